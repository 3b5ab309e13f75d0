/**
 * A run through a dictionary of names while the primary is away, and a primary that comes back empty: it refuses
 * everybody. What senders are told, what is learned and what is delivered: before, during, while it is empty, after.
 * Users never get a 5xx, their mail arrives; junk is bounded, and costs the primary one refusal each.
 */
import type { RecipientCheckBody } from "../../src/endpoints/admin/contract.ts";
import { fakePrimary } from "../support/fake-primary.ts";
import { freePort } from "../support/free-port.ts";
import { asData, openSmtp } from "../support/raw-smtp.ts";
import { rcptReplies, tally } from "../support/rcpt.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { seededRandom } from "../support/random.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";

const DOMAIN = "example.test";
/** Milliseconds. */
const DEADLINE = 120_000;
/** Milliseconds. */
const OUTAGE = 20 * 60_000;
/** Milliseconds. */
const UNTIL_CANARY = 6 * 60_000;
/** Unknown addresses that a client network is taken for in an hour. */
const CAP = 20;

export async function prove({ seed, short, say }: ProofOptions): Promise<ProofResult> {
  const random = seededRandom(seed);
  const users = Array.from({ length: short ? 3 : 25 }, (_, n) => `user${n}`);
  const networks = Array.from({ length: short ? 1 : 20 }, (_, n) => `127.0.${n + 1}.9`);
  const tried = short ? CAP + 5 : 100;
  await using folder = await tempFolder();
  const port = await freePort();
  await using primary = await fakePrimary({ port });
  const behave = (empty: boolean): void => {
    const has = (address: string): boolean => !empty && /^(?:user\d+|postmaster)@/.test(address);
    primary.behaviour.onRcpt = (address) => (has(address) ? undefined : "550 5.1.1 no such user");
  };
  behave(false);
  const smtp = {
    limits: { connectionsPerClient: 10_000, mailsPerConnection: 1_000_000, refusedRecipients: 10_000 },
  };
  const domainSettings = { recipients: { callout: true } };
  const plan = { folder: folder.path, primaryPort: port, domain: DOMAIN, smtp, domainSettings };
  await using daemon = await ResidentDaemon.start(plan);
  const failures: string[] = [];
  const counts: Record<string, number> = {};
  const must = (holds: boolean, what: string): void => void (holds || failures.push(what));
  const told = async (locals: readonly string[], from?: string): Promise<readonly string[]> =>
    rcptReplies(
      daemon.smtpPort,
      locals.map((local) => `${local}@${DOMAIN}`),
      from,
    );
  /** How many of them each origin knows. */
  const known = async (locals: readonly string[]): Promise<string> => {
    const answers = await Promise.all(
      locals.map((local) =>
        daemon.api<RecipientCheckBody>("GET", `/v1/recipients/check?address=${local}@${DOMAIN}`),
      ),
    );
    const groups = Map.groupBy(answers, ({ answer, origin = "nobody" }) => `${answer} by ${origin}`);
    return [...groups].map(([words, of]) => `${words}: ${of.length}`).join(", ");
  };

  await daemon.primaryBecomes("up", DEADLINE);
  for (let left = users; left.length > 0;) {
    const replies = await told(left);
    left = left.filter((_, n) => !replies[n]?.startsWith("250"));
  }
  const before = await told(["nobody"]);
  say(`before: users 250: ${users.length}, a stranger ${tally(before)}; users are ${await known(users)}`);
  must(tally(before) === "550: 1", `before, a stranger was told ${before[0]}`);

  await primary.close();
  daemon.pass(70_000);
  await daemon.primaryBecomes("down", DEADLINE);
  daemon.pass(OUTAGE);
  const taken: string[] = [];
  const answers: string[] = [];
  for (const from of networks) {
    const names = Array.from({ length: tried }, () => `x${random.below(1e9)}`);
    const replies = await send(daemon.smtpPort, names, from);
    answers.push(...replies);
    taken.push(...names.filter((_, n) => replies[n]?.startsWith("250")));
  }
  counts["tried"] = answers.length;
  counts["takenOfThem"] = taken.length;
  say(`during: of ${answers.length} names from ${networks.length} networks ${tally(answers)}`);
  must(taken.length === CAP * networks.length, `${taken.length} strangers were taken`);
  must(!isRefused(answers), "a stranger was refused for good while nobody could tell");
  const mails = await send(daemon.smtpPort, users, "127.0.0.1");
  say(`during: mail to users ${tally(mails)}`);
  must(tally(mails) === `250: ${users.length}`, `users were told ${tally(mails)}`);

  behave(true);
  await primary.open();
  await waitFor({ what: "the probation stops", deadline: DEADLINE }, async () =>
    (await daemon.primary())?.probation?.some((each) => each.state === "stopped"),
  );
  const whileEmpty = await told(users);
  const strange = await told(short ? taken.slice(0, 2) : taken.slice(0, 15), "127.0.99.9");
  const learned = await known(users);
  counts["parkedWhileEmpty"] = (await daemon.status()).mail["parked"] ?? 0;
  say(`empty: users ${tally(whileEmpty)}, strangers ${tally(strange)}; users are ${learned}`);
  must(tally(whileEmpty) === `250: ${users.length}`, `an empty primary cost users: ${tally(whileEmpty)}`);
  must(!isRefused(strange), `an empty primary was believed: ${tally(strange)}`);
  must(!learned.includes("reject"), `the memory is poisoned: ${learned}`);

  behave(false);
  daemon.pass(UNTIL_CANARY);
  await waitFor(
    { what: "users have their mail", deadline: DEADLINE },
    () => primary.mails.length >= users.length,
  );
  await waitFor({ what: "the rest is given up", deadline: DEADLINE }, async () => {
    const { mail, primaries } = await daemon.status();
    const open = (["waiting", "claimed", "held", "unconfirmed"] as const).some((each) => mail[each]);
    return !open && primaries[0]?.probation === undefined;
  });
  counts["delivered"] = primary.mails.length;
  counts["parked"] = (await daemon.status()).mail["parked"] ?? 0;
  must(primary.mails.length === users.length, `${primary.mails.length} mails for ${users.length} users`);
  must(counts["parked"] === taken.length, `${counts["parked"]} of ${taken.length} strangers are parked`);
  const after = await told(users);
  const names = short ? taken.slice(0, 2) : taken.slice(0, 10);
  const strangersAfter = await told(names, "127.0.98.9");
  say(
    `after: users ${tally(after)}, strangers ${tally(strangersAfter)}; strangers are ${await known(taken)}`,
  );
  must(tally(after) === `250: ${users.length}`, `after, users were told ${tally(after)}`);
  must(
    tally(strangersAfter) === `550: ${names.length}`,
    `after, strangers were told ${tally(strangersAfter)}`,
  );
  return {
    claim: "a dictionary run and a primary that came back empty cost no user a mail and taught nothing wrong",
    counts: { users: users.length, ...counts },
    failures,
  };
}

/** Somebody was refused for good. */
function isRefused(told: readonly string[]): boolean {
  return told.some((reply) => reply.startsWith("5"));
}

/** A mail to each, in a session of `from`; answers what each was told, at RCPT or at the dot. */
async function send(port: number, locals: readonly string[], from: string): Promise<readonly string[]> {
  const smtp = await openSmtp(port, "127.0.0.1", from);
  if (smtp === undefined) throw new Error("nobody greets");
  try {
    await smtp.command("EHLO dictionary.example");
    const told: string[] = [];
    for (const local of locals) {
      await smtp.command("MAIL FROM:<words@sender.example>");
      let reply = await smtp.command(`RCPT TO:<${local}@${DOMAIN}>`);
      if (reply?.code === 250) {
        await smtp.command("DATA");
        smtp.write(asData(Buffer.from(`Subject: to ${local}\r\n\r\nhello\r\n`)));
        reply = await smtp.reply();
      } else await smtp.command("RSET");
      told.push(reply?.lines.join(" / ") ?? "connection lost");
    }
    return told;
  } finally {
    smtp.close();
  }
}
