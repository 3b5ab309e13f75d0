/**
 * As a reflector, Holdfast hands a mail over within a second of its 250, to a real Postfix on a port of its own,
 * and every octet is as it was sent, below one Received field of ours. As a backup, with the primary away while
 * mail is accepted, the octets are the same. Signatures still verify.
 *
 * Postfix mends broken headers itself; those mails are compared at a primary that only records.
 */
import { dkimVerify } from "../fixtures/dkim.ts";
import { signedMails } from "../fixtures/dkim-mails.ts";
import { mailNamed, mails, type TestMail } from "../fixtures/mails.ts";
import { peerMissing } from "../peers/peers.ts";
import { MENDED_BY_POSTFIX } from "../peers/postfix.ts";
import { runSwaks } from "../peers/swaks.ts";
import { Daemon } from "../support/daemon.ts";
import { freePort } from "../support/free-port.ts";
import { sendTestMail } from "../support/raw-smtp.ts";
import { recordingPrimary, type PrimaryKind, type RecordingPrimary } from "../support/recording-primary.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";

const DOMAIN = "example.test";
/** Milliseconds from the 250 to the arrival at the primary; the transfer of a large mail has its own time. */
const WITHIN = 1000;
const LEAST_BYTES_A_MS = 10_000;
/** The short form runs beside other tests. */
const PATIENCE = 3;
/** Milliseconds. */
const ARRIVAL_DEADLINE = 60_000;
const isSigned = ({ name }: TestMail): boolean => name.startsWith("dkim-");
/** Signed mails beside those of the corpus. */
const SIGNED = 100;
const SIGNED_IN_SHORT = 8;
/** swaks splits a mail into lines itself: texts of the usual kind. */
const BY_SWAKS = [
  "plain",
  "dkim-signed",
  "dot-lines",
  "attachment-base64",
  "utf8-headers",
  "multipart-alternative",
];

interface Setting {
  readonly kind: PrimaryKind;
  readonly mode: "reflector" | "backup";
  readonly corpus: readonly TestMail[];
  readonly short: boolean;
  readonly say: ProofOptions["say"];
}

/** What was seen over all settings. */
interface Tally {
  compared: number;
  verified: number;
  bySwaks: number;
  slowest: number;
  readonly failures: string[];
}

export async function prove({ short, say, seed }: ProofOptions): Promise<ProofResult> {
  const signed = signedMails(short ? SIGNED_IN_SHORT : SIGNED, seed);
  const corpus = [...mails(short ? 200_000 : undefined), ...signed];
  const tally: Tally = { compared: 0, verified: 0, bySwaks: 0, slowest: 0, failures: [] };
  for (const { kind, mode } of settings(short, say)) {
    const before = tally.compared;
    await runSetting({ kind, mode, corpus, short, say }, tally);
    say(`${mode} before a ${kind}: ${tally.compared - before} mails compared`);
  }
  const { compared, verified, bySwaks, slowest, failures } = tally;
  return {
    claim: "every mail reaches the primary octet for octet, as reflector within a second of its 250",
    counts: { mails: corpus.length, compared, verified, bySwaks, slowestMs: Math.round(slowest) },
    failures: compared === 0 ? [...failures, "no mail was compared: nothing was shown"] : failures,
  };
}

/** The short form has each mode and each primary once. */
function settings(short: boolean, say: ProofOptions["say"]): Pick<Setting, "kind" | "mode">[] {
  const fake: Pick<Setting, "kind" | "mode">[] = [
    { kind: "recording fake", mode: "reflector" },
    { kind: "recording fake", mode: "backup" },
  ];
  const missing = peerMissing("postfix");
  if (missing !== "") {
    say(`SKIPPED, the part with a real Postfix: ${missing}`);
    return fake;
  }
  const real = fake.map(({ mode }) => ({ kind: "postfix" as const, mode }));
  return short ? [...real.slice(0, 1), ...fake.slice(1)] : [...real, ...fake];
}

async function runSetting(setting: Setting, tally: Tally): Promise<void> {
  const { kind, mode, short } = setting;
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const primaryPort = await freePort();
  const start = async (): Promise<RecordingPrimary> =>
    stack.use(await recordingPrimary(kind, primaryPort, DOMAIN));
  const early = mode === "reflector" ? await start() : undefined;
  // Every mail comes in a session of its own; the wait before the greeting would be most of the time.
  const smtp = { greetDelay: "0s" };
  const plan = { folder: folder.path, primaryPort, domain: DOMAIN, domainSettings: { mode }, smtp };
  const daemon = stack.use(await (short ? ResidentDaemon : Daemon).start(plan));
  const sent = new Map<string, TestMail>();
  for (const { mail, send, isSwaks } of offers(setting)) {
    const id = queueId(mail, await send(daemon.smtpPort));
    const accepted = performance.now();
    sent.set(id, mail);
    if (isSwaks) tally.bySwaks += 1;
    if (early === undefined) continue;
    await arrivals(early, sent.size);
    const took = performance.now() - accepted;
    tally.slowest = Math.max(tally.slowest, took);
    if (took > (short ? PATIENCE : 1) * (WITHIN + mail.body.length / LEAST_BYTES_A_MS))
      tally.failures.push(`${mail.name} reached the ${kind} after ${took.toFixed(0)} ms`);
  }
  compare(setting, { sent, arrived: await arrivals(early ?? (await start()), sent.size) }, tally);
}

/** A mail, and how it is sent; answers the reply to the final dot, somewhere in the text. */
interface Offer {
  readonly mail: TestMail;
  readonly send: (port: number) => Promise<string>;
  readonly isSwaks: boolean;
}

function offers({ kind, mode, corpus, short, say }: Setting): Offer[] {
  const chosen = fitting(kind, corpus);
  // Postfix takes its time for each; in the short form it gets a sample.
  const sample = short && kind === "postfix" ? chosen.filter(isSampled) : chosen;
  const raw = sample.map((mail) => ({
    mail,
    isSwaks: false,
    send: async (port: number) =>
      (await sendTestMail(port, oneRecipient(kind, mail), DOMAIN)).lines.join(" "),
  }));
  const missing = peerMissing("swaks");
  if (missing !== "") say(`SKIPPED, swaks as the sender: ${missing}`);
  if (missing !== "" || mode === "backup") return raw;
  const bySwaks = (short ? BY_SWAKS.slice(0, 2) : BY_SWAKS).map((name) => {
    const mail = mailNamed(name);
    const to = mail.recipients.map((local) => `${local}@${DOMAIN}`);
    // swaks ends the last line itself.
    const plan = { from: mail.sender, to, content: mail.body.subarray(0, -2) };
    return {
      mail,
      isSwaks: true,
      send: async (port: number) => (await runSwaks({ port, ...plan })).transcript,
    };
  });
  return [...raw, ...bySwaks];
}

function isSampled(mail: TestMail, n: number): boolean {
  return isSigned(mail) || n % 4 === 0;
}

/** Postfix mends some mails. */
function fitting(kind: PrimaryKind, corpus: readonly TestMail[]): readonly TestMail[] {
  return kind === "postfix" ? corpus.filter(({ name }) => !MENDED_BY_POSTFIX.includes(name)) : corpus;
}

/** Postfix writes a file for each recipient, and one is counted. */
function oneRecipient(kind: PrimaryKind, mail: TestMail): TestMail {
  return kind === "postfix" ? { ...mail, recipients: mail.recipients.slice(0, 1) } : mail;
}

function queueId({ name }: TestMail, reply: string): string {
  const id = /250 2\.0\.0 Ok: queued as (\S+)/.exec(reply)?.[1];
  if (id === undefined) throw new Error(`${name} was not accepted: ${reply.slice(-500)}`);
  return id;
}

/** Waits until the primary has so many mails; answers all it has. */
async function arrivals(primary: RecordingPrimary, count: number): Promise<readonly Buffer[]> {
  const wait = { what: `${count} mails at the primary`, deadline: ARRIVAL_DEADLINE, every: 2 };
  return waitFor(wait, async () => {
    const all = await primary.mails();
    return all.length >= count && all;
  }).catch(async (error: unknown) => {
    throw new Error(`${String(error)}\n${await primary.log()}`);
  });
}

/** Our Received field, on top, with nothing of ours above or below, but an empty line before a mail that would continue it. */
const OWN_RECEIVED =
  /^Received: from [^\r]*\r\n(?:\t[^\r]*\r\n)*?\tby mx2\.holdfast\.test \(Holdfast\) [^\r]* id (\S+?);?\r\n(?:\t[^\r]*\r\n)*(?:\r\n(?=[ \t]))?/;

interface Seen {
  readonly sent: ReadonlyMap<string, TestMail>;
  readonly arrived: readonly Buffer[];
}

function compare({ kind, mode }: Setting, { sent, arrived }: Seen, tally: Tally): void {
  const fail = (text: string): void => void tally.failures.push(`${mode} before a ${kind}: ${text}`);
  const missing = new Map(sent);
  for (const octets of arrived) {
    const [own = "", id = ""] = OWN_RECEIVED.exec(octets.toString("latin1")) ?? [];
    const mail = missing.get(id);
    if (mail === undefined) {
      fail(`a mail that is a double or was not sent: ${octets.subarray(0, 300).toString("latin1")}`);
      continue;
    }
    missing.delete(id);
    tally.compared += 1;
    if (!octets.subarray(own.length).equals(mail.body)) fail(`${mail.name} is not as it was sent`);
    if (!isSigned(mail)) continue;
    if (dkimVerify(octets)) tally.verified += 1;
    else fail(`the signature of ${mail.name} is broken`);
  }
  for (const mail of missing.values()) fail(`${mail.name} did not arrive`);
}
