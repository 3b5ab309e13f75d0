/**
 * Three domains that know their recipients from their primary alone, and differ in what they do with strangers while
 * that is away. Before, during and after an outage of three hours: users are taken, strangers are treated as the
 * domain says, and the primary is asked no more than it must be.
 */
import { fakePrimary, type FakePrimary } from "../support/fake-primary.ts";
import { freePort } from "../support/free-port.ts";
import { createLoad } from "../support/load.ts";
import { rcptReplies, tally } from "../support/rcpt.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";
import { Ledger } from "./checker.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";

const CHOICES = ["accept", "defer", "reject"] as const;
type Choice = (typeof CHOICES)[number];
/** Milliseconds. */
const OUTAGE = 3 * 3_600_000;
/** Milliseconds. */
const DEADLINE = 120_000;
/** Unknown addresses that a client network is taken for in an hour. */
const CAP = 20;
/** More recipients than a probation looks at. */
const MAILS = 21;

export async function prove({ seed, short, say }: ProofOptions): Promise<ProofResult> {
  const users = Array.from({ length: short ? 2 : 100 }, (_, n) => `user${n}`);
  const strangers = (phase: string, count: number): string[] =>
    Array.from({ length: count }, (_, n) => `${phase}${n}`);
  const many = short ? 1 : 30;
  const choices = short ? CHOICES.slice(0, 1) : CHOICES;
  await using folder = await tempFolder();
  const port = await freePort();
  const has = (address: string): boolean => /^(?:user\d+|postmaster)@/.test(address);
  await using primary = await fakePrimary({
    port,
    onRcpt: (address) => (has(address) ? undefined : "550 5.1.1 no such user"),
  });
  const smtp = {
    limits: { connectionsPerClient: 10_000, mailsPerConnection: 1_000_000, refusedRecipients: 10_000 },
  };
  const plan = {
    folder: folder.path,
    primaryPort: port,
    smtp,
    settings: { domains: domainsAt(port, choices) },
  };
  await using daemon = await ResidentDaemon.start(plan);
  const failures: string[] = [];
  const counts: Record<string, number> = {};
  const expect = (what: string, wanted: string, told: readonly string[]): void => {
    say(`${what}: ${tally(told)}`);
    if (tally(told) !== wanted)
      failures.push(`${what}: ${tally(told)} instead of ${wanted}, first ${told[0] ?? "nothing"}`);
  };
  const ask = async (choice: Choice, locals: readonly string[]): Promise<readonly string[]> => {
    const told: string[] = [];
    // What the pace of questions puts off is asked again, as a sender would.
    for (let left = locals; left.length > 0;) {
      const replies = await rcptReplies(
        daemon.smtpPort,
        left.map((local) => `${local}@${choice}.test`),
      );
      const late = left.filter((_, n) => /could not be verified yet/.test(replies[n] ?? ""));
      told.push(...replies.filter((text) => !/could not be verified yet/.test(text)));
      left = late;
    }
    return told;
  };

  await daemon.primaryBecomes("up", DEADLINE);
  for (const choice of choices) {
    expect(`before, ${choice}: users`, `250: ${users.length}`, await ask(choice, users));
    expect(`before, ${choice}: strangers`, `550: ${many}`, await ask(choice, strangers("old", many)));
  }
  counts["askedBefore"] = questions(primary);
  for (const choice of choices) await ask(choice, [...users, ...strangers("old", many)]);
  if (questions(primary) !== counts["askedBefore"]) failures.push("the primary was asked twice for the same");
  const most = choices.length * (users.length + many + 2);
  if (counts["askedBefore"] > most) failures.push(`${counts["askedBefore"]} RCPT for ${most - 6} addresses`);

  await primary.close();
  // An idle primary is looked at once a minute.
  daemon.pass(70_000);
  await daemon.primaryBecomes("down", DEADLINE);
  daemon.pass(OUTAGE);
  const beyond = CAP + 5;
  const during = { accept: `250: ${CAP}, 450: 5`, defer: `450: ${beyond}`, reject: `550: ${beyond}` };
  const ledger = new Ledger();
  for (const [n, choice] of choices.entries()) {
    expect(`during, ${choice}: users`, `250: ${users.length}`, await ask(choice, users));
    expect(`during, ${choice}: strangers`, during[choice], await ask(choice, strangers("new", beyond)));
    const load = {
      port: daemon.smtpPort,
      domain: `${choice}.test`,
      recipients: users,
      sessions: 4,
      size: 1000,
    };
    await createLoad({ ...load, seed: seed + n, ledger }).send(MAILS);
  }
  counts["accepted"] = ledger.count("acked");

  await primary.open();
  const all = choices.length * MAILS;
  await waitFor({ what: "the mail has gone", deadline: DEADLINE }, () => primary.mails.length >= all);
  await waitFor({ what: "the primary is believed again", deadline: DEADLINE }, async () => {
    const { primaries } = await daemon.status();
    return primaries.every(({ state, probation }) => state === "up" && probation === undefined);
  });
  counts["delivered"] = primary.mails.length;
  if (primary.mails.length !== all || ledger.count("acked") !== all)
    failures.push(`${ledger.count("acked")} of ${all} mails taken, ${primary.mails.length} delivered`);
  for (const choice of choices) {
    expect(`after, ${choice}: users`, `250: ${users.length}`, await ask(choice, users));
    expect(`after, ${choice}: strangers`, `550: ${many}`, await ask(choice, strangers("new", many)));
  }
  return {
    claim: "with callouts alone, users are known and strangers treated as configured through an outage",
    counts: { users: users.length * choices.length, ...counts, asked: questions(primary) },
    failures,
  };
}

function domainsAt(port: number, choices: readonly Choice[]): Readonly<Record<string, unknown>> {
  const primary = { host: "127.0.0.1", port, tls: "none" };
  const domains = choices.map((unknownDuringOutage) => [
    `${unknownDuringOutage}.test`,
    { primary, recipients: { callout: true }, unknownDuringOutage },
  ]);
  return Object.fromEntries(domains) as Record<string, unknown>;
}

/** RCPT from the null sender; mail of the load has one. */
function questions({ commands }: FakePrimary): number {
  let empty = false;
  let count = 0;
  for (const line of commands) {
    if (/^MAIL/i.test(line)) empty = line.includes("<>");
    if (empty && /^RCPT/i.test(line)) count += 1;
  }
  return count;
}
