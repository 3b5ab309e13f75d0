/**
 * The primary comes back with an empty user database after an outage and says "no such user" to everybody: nothing
 * is given up, the operator is told, and once the users are restored a later canary lets all mail go.
 */
import { fakePrimary } from "../support/fake-primary.ts";
import { freePort } from "../support/free-port.ts";
import { createLoad } from "../support/load.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";
import { Ledger } from "./checker.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";

const DOMAIN = "example.test";
/** Milliseconds. */
const OUTAGE = 20 * 60_000;
/** Milliseconds. */
const UNTIL_CANARY = 6 * 60_000;
/** Milliseconds. */
const DEADLINE = 60_000;

export async function prove({ seed, short, say }: ProofOptions): Promise<ProofResult> {
  const count = short ? 100 : 5000;
  await using folder = await tempFolder();
  const port = await freePort();
  const recipients = ["alice", "bob", "carol"];
  const plan = { folder: folder.path, primaryPort: port, domain: DOMAIN, domainSettings: { recipients } };
  await using daemon = await ResidentDaemon.start(plan);
  const stopped = async (): Promise<string | undefined> =>
    (await daemon.primary())?.probation?.find(({ state }) => state === "stopped")?.why;
  await daemon.primaryBecomes("down", DEADLINE);
  const load = { port: daemon.smtpPort, domain: DOMAIN, recipients, seed, sessions: 20, size: 2048 };
  await createLoad({ ...load, ledger: new Ledger() }).send(count);
  daemon.pass(OUTAGE);

  await using primary = await fakePrimary({ port, onRcpt: () => "550 5.1.1 no such user" });
  const why = await waitFor({ what: "the probation stops", deadline: DEADLINE }, stopped);
  const { mail: during } = await daemon.status();
  const asked = primary.commands.filter((line) => line.startsWith("RCPT")).length;
  say(`stopped after ${asked} recipients (${why}); held ${during["held"]}, waiting ${during["waiting"]}`);
  primary.behaviour.onRcpt = () => undefined;
  daemon.pass(UNTIL_CANARY);
  await waitFor({ what: "all mail has gone", deadline: DEADLINE }, () => primary.mails.length >= count);
  await waitFor({ what: "the queue is empty", deadline: DEADLINE }, async () => (await daemon.held()) === 0);
  const arrived = new Set(primary.mails.map(({ data }) => data.toString("latin1"))).size;
  return {
    claim: `a primary that is empty after its return costs none of ${count} mails`,
    counts: {
      mails: count,
      asked,
      heldThen: during["held"] ?? 0,
      parkedThen: during["parked"] ?? 0,
      arrived,
    },
    failures: [
      ...((during["parked"] ?? 0) === 0 ? [] : [`${during["parked"]} recipients were given up`]),
      ...(asked <= 5 ? [] : [`${asked} recipients were asked before it stopped`]),
      ...(arrived === count && primary.mails.length === count
        ? []
        : [`${arrived} of ${count} mails arrived, ${primary.mails.length} deliveries`]),
    ],
  };
}
