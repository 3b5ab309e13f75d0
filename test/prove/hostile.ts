/**
 * What strangers try against the whole daemon: mail for nobody and for elsewhere, mail that is too large, mail
 * inside mail, floods of commands, slowness. Each gets the reply that it should, the resources of one connection
 * stay bounded, and the primary sees nothing that was not accepted.
 */
import { fakePrimary, type FakePrimary } from "../support/fake-primary.ts";
import { Daemon } from "../support/daemon.ts";
import { LatenessWatch, latenessFault } from "../support/loop-delay.ts";
import { seededRandom } from "../support/random.ts";
import { asData, openSmtp, type RawSmtp } from "../support/raw-smtp.ts";
import { FALSE_ENDS, smuggling, SMUGGLED_SENDER, type Smuggling } from "../support/smuggling.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { pause } from "../support/wait.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";
import { untilDrained } from "./story.ts";

/** One domain for each policy on bare newlines. */
const NORMALISING = "example.test";
const STRICT = "strict.test";
const SENDER = "load@sender.example";
/** Octets. */
const LARGEST = 65_536;
const NOOPS = 50_000;
/** Replies after which a client that only says NOOP is cut off, by default (limits.commandsWithoutMail). */
const MOST_REPLIES = 101;
/** limits.commandTimeout of this daemon, and its look at the clocks once a second; in ms. */
const COMMAND_TIMEOUT = 5000;
const SLOWEST_COMMAND = COMMAND_TIMEOUT + 5000;
/** Milliseconds. */
const SLOWEST_BODY = 70_000;
const SESSIONS = 8;

interface Hostility {
  readonly daemon: Daemon;
  readonly failures: string[];
  readonly counts: Record<string, number>;
}

export async function prove({ seed, short, say }: ProofOptions): Promise<ProofResult> {
  await using folder = await tempFolder();
  await using primary = await fakePrimary();
  await using daemon = await startDaemon(folder.path, primary.port);
  const world: Hostility = { daemon, failures: [], counts: {} };
  using lateness = new LatenessWatch(daemon);
  // What the start took is not the clients' doing.
  await lateness.take();
  await refusals(world);
  await oversize(world);
  say(`refused: ${world.counts["refused"]}`);
  const slow = [slowCommand(world), ...(short ? [] : [slowBody(world)])];
  const accepted = await smuggle(world, cutsOf(seed, short));
  await Promise.all(slow);
  say(`${world.counts["smuggled"]} smuggling attempts, ${accepted.length} bodies accepted as one mail each`);
  await noops(world);
  await untilDrained(daemon, 60_000);
  await checkLoop(world, lateness, short);
  checkPrimary(world, primary, accepted);
  return {
    claim: "strangers get the replies that they should, one mail is one mail, and patience has bounds",
    counts: world.counts,
    failures: world.failures,
  };
}

function startDaemon(folder: string, primaryPort: number): Promise<Daemon> {
  const common = { primary: { host: "127.0.0.1", port: primaryPort, tls: "none" }, recipients: ["alice"] };
  const domains = {
    [NORMALISING]: { ...common, bareNewlines: "normalise" },
    [STRICT]: { ...common, bareNewlines: "reject" },
  };
  const limits = { commandTimeout: `${COMMAND_TIMEOUT / 1000}s`, connectionsPerClient: 1000 };
  const smtp = { greetDelay: "0s", maxMessageSize: LARGEST, limits };
  return Daemon.start({ folder, primaryPort, smtp, settings: { domains } });
}

/** Counts, and keeps what was not as it should be. */
function expect(world: Hostility, what: string, reply: string, expected: RegExp): void {
  world.counts["refused"] = (world.counts["refused"] ?? 0) + 1;
  if (!expected.test(reply))
    world.failures.push(`${what}: ${reply || "connection lost"}, not ${expected.source}`);
}

async function connect({ daemon }: Hostility): Promise<RawSmtp> {
  const smtp = await openSmtp(daemon.smtpPort);
  if (smtp === undefined) throw new Error("nobody greets");
  await smtp.command("EHLO client.example");
  return smtp;
}

async function ask(smtp: RawSmtp, line: string): Promise<string> {
  return (await smtp.command(line))?.lines.join(" ") ?? "";
}

async function refusals(world: Hostility): Promise<void> {
  const smtp = await connect(world);
  await ask(smtp, `MAIL FROM:<${SENDER}>`);
  expect(world, "unknown user", await ask(smtp, `RCPT TO:<nobody@${NORMALISING}>`), /^550 5\.1\.1 /);
  const foreign = [
    "a@foreign.test",
    `a%foreign.test@elsewhere.test`,
    `"a@b"@foreign.test`,
    `a@sub.${NORMALISING}`,
  ];
  for (const address of foreign)
    expect(world, address, await ask(smtp, `RCPT TO:<${address}>`), /^550 5\.7\.1 /);
  expect(world, "DATA without a recipient", await ask(smtp, "DATA"), /^503 5\.5\.1 /);
  smtp.close();
}

async function oversize(world: Hostility): Promise<void> {
  const smtp = await connect(world);
  const announced = await ask(smtp, `MAIL FROM:<${SENDER}> SIZE=${LARGEST + 1}`);
  expect(world, "oversize at MAIL", announced, /^552 5\.3\.4 /);
  const line = `${"x".repeat(76)}\r\n`;
  const body = Buffer.from(`Subject: large\r\n\r\n${line.repeat(Math.ceil(LARGEST / line.length))}`);
  await begin(smtp, NORMALISING, " SIZE=100");
  smtp.write(asData(body));
  expect(world, "oversize body", (await smtp.reply())?.lines.join(" ") ?? "", /^552 5\.3\.4 /);
  await begin(smtp, NORMALISING);
  // Without an end: it is cut off long before the last octet.
  for (let n = 0; n < 100; n++) smtp.write(line.repeat(1000));
  expect(world, "endless body", (await smtp.reply())?.lines.join(" ") ?? "", /^421 4\.7\.0 /);
  smtp.close();
}

async function begin(smtp: RawSmtp, domain: string, parameters = ""): Promise<void> {
  const replies = [
    await ask(smtp, `MAIL FROM:<${SENDER}>${parameters}`),
    await ask(smtp, `RCPT TO:<alice@${domain}>`),
    await ask(smtp, "DATA"),
  ];
  if (replies.join().match(/^250.*250.*354/) === null)
    throw new Error(`no body is taken: ${replies.join(" / ")}`);
}

/** Where a body is cut into two segments; 0 leaves it whole. */
type Cuts = (attempt: Smuggling) => number[];

/** The long form cuts at every octet; the short one whole, at one octet by chance and around the dot. */
function cutsOf(seed: number, short: boolean): Cuts {
  const random = seededRandom(seed);
  return ({ text, from, to }) =>
    short ? [0, random.below(text.length), ...range(from, to + 1)] : range(0, text.length);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, n) => from + n);
}

interface Attempt {
  readonly plan: Smuggling;
  readonly name: string;
  readonly domain: string;
  readonly cut: number;
}

/** Every false end in both policies, cut as told; answers the bodies that were accepted. */
async function smuggle(world: Hostility, cuts: Cuts): Promise<string[]> {
  const attempts: Attempt[] = [];
  for (const domain of [NORMALISING, STRICT]) {
    for (const falseEnd of FALSE_ENDS) {
      const plan = smuggling(falseEnd, `alice@${domain}`);
      const name = `${JSON.stringify(falseEnd)} for ${domain}`;
      for (const cut of cuts(plan)) attempts.push({ plan, name, domain, cut });
    }
  }
  world.counts["smuggled"] = attempts.length;
  const accepted: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = attempts.pop(); next !== undefined; next = attempts.pop())
      if (await attempt(world, next)) accepted.push(next.plan.normalised);
  };
  await Promise.all(Array.from({ length: SESSIONS }, work));
  return accepted;
}

/** True: accepted, as one mail. */
async function attempt(world: Hostility, { plan, name, domain, cut }: Attempt): Promise<boolean> {
  const smtp = await connect(world);
  await begin(smtp, domain);
  if (cut > 0) {
    smtp.write(Buffer.from(plan.text.slice(0, cut), "latin1"));
    // The rest shall be a segment of its own.
    await pause(1);
  }
  smtp.write(Buffer.from(plan.text.slice(cut), "latin1"));
  const first = (await smtp.reply())?.lines.join(" ") ?? "";
  // Another reply before that of NOOP would be to something smuggled; so would be one after it.
  const second = await ask(smtp, "NOOP");
  const third = await ask(smtp, "QUIT");
  smtp.close();
  const expected = plan.hasNul
    ? /^550 5\.(?:6\.0|5\.2) /
    : domain === STRICT
      ? /^550 5\.5\.2 /
      : /^250 2\.0\.0 /;
  const isSound = expected.test(first) && /^250 2\.0\.0 Ok$/.test(second) && third.startsWith("221 ");
  if (!isSound) world.failures.push(`${name}, cut at ${cut}: ${[first, second, third].join(" / ")}`);
  return first.startsWith("250 ");
}

/** A client that says nothing but NOOP, and does not wait for replies. */
async function noops(world: Hostility): Promise<void> {
  const smtp = await connect(world);
  smtp.write("NOOP\r\n".repeat(NOOPS));
  let replies = 0;
  let last = "";
  for (let reply = await smtp.reply(); reply !== undefined; reply = await smtp.reply()) {
    replies += 1;
    last = reply.lines.join(" ");
  }
  world.counts["noopReplies"] = replies;
  if (replies > MOST_REPLIES || !last.startsWith("421 4.7.0 "))
    world.failures.push(`${NOOPS} NOOPs: ${replies} replies, the last ${last}`);
}

/** No client may keep the others waiting. A short form shares its machine with other tests, so that it only tells. */
async function checkLoop(
  { counts, failures }: Hostility,
  lateness: LatenessWatch,
  short: boolean,
): Promise<void> {
  const seen = await lateness.take();
  Object.assign(counts, { loopDelayMs: seen.daemon, idleLoopDelayMs: seen.idle });
  const fault = latenessFault(seen);
  if (!short && fault !== undefined) failures.push(fault);
}

/** Octets of a command that come slowly do not extend the time for it. */
async function slowCommand(world: Hostility): Promise<void> {
  const smtp = await connect(world);
  const took = await trickle(world, smtp, SLOWEST_COMMAND);
  Object.assign(world.counts, { slowCommandMs: Math.round(took) });
}

/** A body below limits.minDataRate is given up after its first minute. */
async function slowBody(world: Hostility): Promise<void> {
  const smtp = await connect(world);
  await begin(smtp, NORMALISING);
  const took = await trickle(world, smtp, SLOWEST_BODY);
  Object.assign(world.counts, { slowBodyMs: Math.round(took) });
}

/** An octet now and then until the daemon has enough, or `most` milliseconds are over; answers how many were. */
async function trickle(world: Hostility, smtp: RawSmtp, most: number): Promise<number> {
  const begun = performance.now();
  const feed = setInterval(() => smtp.write("x"), 100);
  const late = setTimeout(() => smtp.close(), most);
  const reply = await smtp.reply();
  clearInterval(feed);
  clearTimeout(late);
  smtp.close();
  expect(world, "an octet now and then", reply?.lines.join(" ") ?? "", /^421 4\.4\.2 /);
  return performance.now() - begun;
}

/** The primary got each accepted body, once, made whole; nothing else. */
function checkPrimary({ counts, failures }: Hostility, primary: FakePrimary, accepted: string[]): void {
  const expected = new Map<string, number>();
  for (const body of accepted) expected.set(body, (expected.get(body) ?? 0) + 1);
  for (const { data, sender } of primary.mails) {
    const text = data.toString("latin1");
    const body = text.slice(text.indexOf("From: load@"));
    const left = expected.get(body) ?? 0;
    if (left === 0 || sender !== SENDER)
      failures.push(`the primary got what nobody sent, from <${sender}>: ${JSON.stringify(body)}`);
    expected.set(body, left - 1);
  }
  const missing = [...expected.values()].reduce((sum, left) => sum + Math.max(0, left), 0);
  if (missing > 0) failures.push(`${missing} accepted mails are not at the primary`);
  const smuggled = primary.commands.filter((line) => line.includes(SMUGGLED_SENDER)).length;
  if (smuggled > 0) failures.push(`${smuggled} smuggled commands reached the primary`);
  Object.assign(counts, {
    accepted: accepted.length,
    arrived: primary.mails.length,
    smuggledThrough: smuggled,
  });
}
