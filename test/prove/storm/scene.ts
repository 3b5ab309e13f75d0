/** Everybody who takes part in a storm, around one daemon. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ClockedDaemon } from "../../support/clocked-daemon.ts";
import { daemonSettings } from "../../support/daemon.ts";
import { fakeDns } from "../../support/fake-dns.ts";
import { freePort } from "../../support/free-port.ts";
import { SPF } from "../../support/notice-senders.ts";
import { seededRandom, type Random } from "../../support/random.ts";
import { smallDisk, smallDiskMissing } from "../../support/small-disk.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { Ledger } from "../checker.ts";
import { Senders } from "./clients.ts";
import { Faults } from "./faults.ts";
import { Letters } from "./letters.ts";
import { Operator } from "./operator.ts";
import { Chronicle, StormPrimary } from "./primary.ts";
import { NOTICES, PRIMARIES, Town, USERS_FILE } from "./town.ts";

/** Megabytes. */
const DISK = 200;

export interface Scene {
  readonly data: string;
  readonly daemon: ClockedDaemon;
  readonly ledger: Ledger;
  readonly letters: Letters;
  readonly senders: Senders;
  readonly chronicle: Chronicle;
  readonly primaries: readonly StormPrimary[];
  readonly operator: Operator;
  readonly faults: Faults;
  /** For whoever is left. */
  readonly random: Random;
  /** At times mail expires after hours. */
  readonly brief: boolean;
}

interface ScenePlan {
  readonly seed: number;
  /** Octets of the largest mails. */
  readonly largest: number;
}

/** Everything stands and is well; `stack` takes it down. */
export async function setScene({ seed, largest }: ScenePlan, stack: AsyncDisposableStack): Promise<Scene> {
  const seeds = seededRandom(seed);
  const random = (): Random => seededRandom(seeds.below(2 ** 31));
  const folder = stack.use(await tempFolder()).path;
  const data = join(folder, "data");
  const disk = smallDiskMissing() === undefined ? data : undefined;
  if (disk !== undefined) stack.use(smallDisk(disk, DISK));
  const dns = stack.use(await fakeDns({ ...SPF }));
  const chronicle = new Chronicle();
  const primaries = Array.from({ length: PRIMARIES }, (_, n) => new StormPrimary(n, random(), chronicle));
  for (const primary of primaries) await stack.use(primary).mend();
  const town = new Town(
    primaries.map(({ port }) => port),
    random(),
  );
  const plan = {
    folder,
    primaryPort: 0,
    smtpPort: await freePort(),
    adminPort: await freePort(),
    settings: settingsOf(town, dns.server),
    smtp: SMTP,
  };
  const base = daemonSettings(plan, { smtp: plan.smtpPort, admin: plan.adminPort });
  await writeFile(join(folder, USERS_FILE), town.users());
  const daemon = stack.use(await ClockedDaemon.start(plan));
  const ledger = new Ledger();
  const letters = new Letters(random(), largest);
  // Some storms are without deaths of the process, and in some mail expires.
  const faults = new Faults({ daemon, random: random(), disk, mortal: seed % 3 !== 0 });
  const brief = seed % 4 === 3;
  const operator = new Operator({ daemon, town, random: random(), base, brief });
  const dying = (): boolean => faults.dying;
  const senders = new Senders({ port: plan.smtpPort, random: random(), letters, ledger, dying });
  const parts = { data, daemon, ledger, letters, senders, chronicle, primaries, operator, faults };
  return { ...parts, random: random(), brief };
}

const SMTP = {
  greetDelay: "0s",
  threads: 2,
  limits: {
    connectionsPerClient: 1000,
    mailsPerConnection: 100_000,
    refusedRecipients: 1000,
    errors: 1000,
    bodyMemory: "1MiB",
  },
};

function settingsOf(town: Town, dns: string): Readonly<Record<string, unknown>> {
  const route = { host: "127.0.0.1", port: town.ports[NOTICES], tls: "none" };
  return {
    domains: town.domains(true),
    // Longer than all clocks of a storm go.
    retention: { waiting: "300d", parked: "300d", refusedContent: "300d", ledger: "900d" },
    store: { reserve: "8MiB" },
    alerts: { oldest: "365d" },
    dns: { servers: [dns] },
    checks: { spf: "tag" },
    notices: { route, delay: "4h", perSender: 1000, retention: "60d" },
  };
}
