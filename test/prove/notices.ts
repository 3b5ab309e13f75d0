/**
 * Senders of mail that cannot be delivered are told, and nobody else: sixteen kinds of senders, then many of one
 * kind, through the real daemon and a smart host that wants TLS and a login. What arrives is read by a client that
 * is not ours; for what does not arrive the queue names the reason.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MailBody, QueueEntryBody, QueuePage } from "../../src/endpoints/admin/contract.ts";
import { fakeDns } from "../support/fake-dns.ts";
import { fakePrimary, type FakePrimary, type ReceivedMail } from "../support/fake-primary.ts";
import { freePort } from "../support/free-port.ts";
import { readerMissing, readNotices, type ReadNotice } from "../support/notice-reader.ts";
import { recipientOf, sendAs, SENDERS, SPF, type Sender } from "../support/notice-senders.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { testCertificate } from "../support/test-certificate.ts";
import { waitFor } from "../support/wait.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Milliseconds. */
const DEADLINE = 60_000;
/** Notices to one address in a day. */
const PER_SENDER = 8;

export async function prove({ short, say }: ProofOptions): Promise<ProofResult> {
  await using folder = await tempFolder();
  await using dns = await fakeDns({ ...SPF });
  await using primary = await fakePrimary({
    extensions: ["PIPELINING", "8BITMIME", "SMTPUTF8"],
    onRcpt: (to) => (isTaken(to) ? undefined : "550 5.1.1 no such user here"),
    onDot: ({ recipients }) =>
      recipients[0]?.startsWith("content") === true ? "554 5.7.1 we do not like this text" : undefined,
  });
  await using host = await smartHost();
  await using daemon = await startDaemon(folder.path, { dns: dns.server, primary, host });
  for (const sender of SENDERS) await sendAs(sender, daemon.smtpPort);
  const entry = await settled(daemon, ({ told, owed }) => told !== undefined && owed === undefined);
  const byHand = await parkedByHand(daemon, primary);
  daemon.pass(5 * HOUR);
  const delayed = await waitEntry(daemon, "delay", ({ told }) => told?.kind === "delayed");
  daemon.pass(31 * DAY);
  await waitEntry(daemon, "delay", ({ told }) => told?.kind === "expired");
  const expired = await waitEntry(daemon, "late", ({ told }) => told?.kind === "expired");
  const due = SENDERS.flatMap(({ hears }) => hears);
  await waitFor({ what: "all notices are sent", deadline: DEADLINE }, () => host.mails.length >= due.length);
  const failures = [
    ...byHand,
    ...(await silences(entry)),
    ...(delayed.told?.notice === undefined ? ["no notice of delay"] : []),
    ...(expired.told?.notice === undefined ? ["no notice of expiry"] : []),
    ...clientFailures(host.mails, say),
    ...(host.mails.length === due.length ? [] : [`${host.mails.length} notices instead of ${due.length}`]),
  ];
  const many = await manyOfOne(daemon, host, short ? 14 : 400);
  say(`${many.sent} of ${many.mails} notices to one address, ${many.withheld} withheld`);
  return {
    claim: "senders are told what became of their mail, and forged ones, lists and machines are not",
    counts: {
      senders: SENDERS.length,
      notices: due.length,
      silences: SENDERS.filter(({ why }) => why !== undefined).length,
      ...many,
    },
    failures: [
      ...failures,
      ...(many.sent === PER_SENDER && many.withheld === many.mails - PER_SENDER
        ? []
        : ["the cap did not hold"]),
    ],
  };
}

function isTaken(recipient: string): boolean {
  return /^(?:success|content)@/.test(recipient);
}

async function smartHost(): Promise<FakePrimary> {
  const { certificate, key } = await testCertificate();
  return fakePrimary({
    name: "smart.test",
    extensions: ["PIPELINING", "8BITMIME", "SMTPUTF8"],
    tls: { cert: certificate, key },
    auth: { mechanisms: "PLAIN", user: "holdfast", password: "secret" },
  });
}

interface Peers {
  readonly dns: string;
  readonly primary: FakePrimary;
  readonly host: FakePrimary;
}

async function startDaemon(folder: string, { dns, primary, host }: Peers): Promise<ResidentDaemon> {
  await writeFile(join(folder, "smarthost.secret"), "secret\n");
  const login = { user: "holdfast", passwordFile: "smarthost.secret" };
  const route = { host: "127.0.0.1", port: host.port, tls: "require", login };
  const at = (port: number) => ({
    primary: { host: "127.0.0.1", port, tls: "none" },
    recipients: { catchAll: true },
  });
  return ResidentDaemon.start({
    folder,
    primaryPort: primary.port,
    settings: {
      dns: { servers: [dns] },
      checks: { spf: "tag" },
      notices: { route, delay: "4h", perSender: PER_SENDER },
      domains: { "example.test": at(primary.port), "late.test": at(await freePort()) },
    },
  });
}

async function entriesOf(daemon: ResidentDaemon): Promise<readonly QueueEntryBody[]> {
  const found: QueueEntryBody[] = [];
  for await (const entry of daemon.entries(true)) found.push(entry);
  return found;
}

/** Waits until every mail that is through has been told or not told, and answers how each stands. */
async function settled(
  daemon: ResidentDaemon,
  done: (entry: QueueEntryBody) => boolean,
): Promise<(sender: Sender) => QueueEntryBody | undefined> {
  const now = SENDERS.filter(({ fate }) => fate !== "late").map(recipientOf);
  let entries: readonly QueueEntryBody[] = [];
  await waitFor({ what: "every sender was told or not told", deadline: DEADLINE }, async () => {
    entries = await entriesOf(daemon);
    return now.every((address) => entries.some((each) => each.recipient === address && done(each)));
  });
  return (sender) => entries.find(({ recipient }) => recipient === recipientOf(sender));
}

async function waitEntry(
  daemon: ResidentDaemon,
  name: string,
  fits: (entry: QueueEntryBody) => boolean,
): Promise<QueueEntryBody> {
  return waitFor({ what: `${name} is told`, deadline: DEADLINE }, async () =>
    (await entriesOf(daemon)).find((each) => each.recipient === `${name}@late.test` && fits(each)),
  );
}

async function silences(entry: (sender: Sender) => QueueEntryBody | undefined): Promise<readonly string[]> {
  return SENDERS.flatMap((sender) => {
    const { name, why } = sender;
    const found = entry(sender);
    if (why === undefined || why.test(found?.told?.why ?? "")) return [];
    return [`${name}: silence for the wrong reason: ${JSON.stringify(found?.told)}`];
  });
}

// ---------------------------------------------------------------- what a client reads

function clientFailures(mails: readonly ReceivedMail[], say: (line: string) => void): readonly string[] {
  const wrong = mails
    .filter(({ sender, tls }) => sender !== "" || !tls)
    .map(() => "not the null sender over TLS");
  const missing = readerMissing();
  if (missing !== "") {
    say(`SKIPPED: ${missing}`);
    return wrong;
  }
  const notices = readNotices(mails.map(({ data }) => data));
  return [...wrong, ...notices.flatMap(common), ...SENDERS.flatMap((sender) => ofSender(sender, notices))];
}

function common(notice: ReadNotice): readonly string[] {
  const { subject, groups } = notice;
  const problems = [
    notice.type === "multipart/report" ? "" : `is ${notice.type}`,
    notice.reportType === "delivery-status" ? "" : `reports ${notice.reportType}`,
    notice.autoSubmitted === "auto-replied" ? "" : "does not say Auto-Submitted",
    notice.defects.length === 0 ? "" : notice.defects.join(", "),
    groups[0]?.["reporting-mta"] === "dns; mx2.holdfast.test" ? "" : "does not name us",
    groups.length === 2 ? "" : `has ${groups.length} groups`,
    notice.text.includes("What you can do") ? "" : "does not say what to do",
    notice.text.split(/\r?\n/).every((line) => line.length <= 78) ? "" : "has long lines",
  ];
  return problems.filter((text) => text !== "").map((text) => `${subject}: ${text}`);
}

function ofSender(sender: Sender, notices: readonly ReadNotice[]): readonly string[] {
  const { name, from, hears } = sender;
  const mine = notices.filter(({ groups }) => groups[1]?.["final-recipient"]?.endsWith(recipientOf(sender)));
  const heard = mine.map(({ groups }) => groups[1]?.["action"] ?? "");
  const problems =
    heard.toSorted().join() === hears.toSorted().join() ? [] : [`heard ${heard.join() || "nothing"}`];
  for (const notice of mine) {
    if (notice.to.replace(/[<>]/g, "") !== from) problems.push(`the notice is to ${notice.to}`);
    if (notice.returnedSubject !== `about ${name}`) problems.push(`returned ${notice.returnedSubject}`);
    if (notice.references !== `<${name}@friend.test>`) problems.push(`references ${notice.references}`);
    problems.push(...(SPECIAL[name]?.(notice) ?? []));
  }
  return problems.map((problem) => `${name}: ${problem}`);
}

/** What the notices of some senders must have beside what all have. */
const SPECIAL: Readonly<Record<string, (notice: ReadNotice) => readonly string[]>> = {
  authenticated: ({ groups, text, parts }) => [
    ...(groups[1]?.["status"] === "5.1.1" ? [] : ["no status 5.1.1"]),
    ...(groups[1]?.["diagnostic-code"] === "smtp; 550 5.1.1 no such user here" ? [] : ["no words"]),
    ...(text.includes("550 5.1.1 no such user here") ? [] : ["the text lacks the words"]),
    ...(parts[2] === "text/rfc822-headers" ? [] : [`returns ${parts[2]}`]),
  ],
  utf8: ({ parts }) =>
    parts.slice(1).join() === "message/global-delivery-status,message/global-headers" ? [] : [parts.join()],
  full: ({ parts, returnedBody }) =>
    parts[2] === "message/rfc822" && returnedBody.includes("the text of full") ? [] : [parts.join()],
  named: ({ groups, parts }) => [
    ...(groups[0]?.["original-envelope-id"] === "QQ+314159" ? [] : ["no ENVID"]),
    ...(groups[1]?.["original-recipient"] === "rfc822; Bob+old@old.test" ? [] : ["no ORCPT"]),
    ...(parts[2] === "text/rfc822-headers" ? [] : [`returns ${parts[2]}`]),
  ],
  late: ({ groups }) => (groups[1]?.["status"] === "4.4.7" ? [] : ["no status 4.4.7"]),
};

// ---------------------------------------------------------------- what operators do with parked mail

/** Shown, exported, released to a primary that has learned, deleted; a notice is told of only once. */
async function parkedByHand(daemon: ResidentDaemon, primary: FakePrimary): Promise<readonly string[]> {
  const parked = (await entriesOf(daemon)).filter(({ state }) => state === "parked");
  const [first, second] = parked;
  if (first === undefined || second === undefined) return ["nothing is parked"];
  const shown = await daemon.api<MailBody>("GET", `/v1/queue/${first.id}`);
  const act = (verb: string, id: string): Promise<unknown> =>
    daemon.api("POST", "/v1/queue/actions", { verb, filter: { id } });
  primary.behaviour.onRcpt = () => undefined;
  const before = primary.mails.length;
  await act("release", first.id);
  await act("delete", second.id);
  await waitFor(
    { what: "released mail is delivered", deadline: DEADLINE },
    () => primary.mails.length > before,
  );
  primary.behaviour.onRcpt = (to) => (isTaken(to) ? undefined : "550 5.1.1 no such user here");
  const deleted = (await entriesOf(daemon)).find(({ id }) => id === second.id);
  const ledger = "/v1/queue?domain=%2Bnotices&ledger=1&state=gone";
  await waitFor({ what: "the ledger has notices", deadline: DEADLINE }, async () => {
    return (await daemon.api<QueuePage>("GET", ledger)).items.length > 0;
  });
  return [
    ...(shown.hasBody && shown.recipients[0]?.told !== undefined ? [] : ["parked mail is not shown"]),
    ...(deleted?.reason === "deleted" ? [] : [`deleted mail is ${deleted?.state} ${deleted?.reason}`]),
  ];
}

// ---------------------------------------------------------------- many of one kind

async function manyOfOne(
  daemon: ResidentDaemon,
  host: FakePrimary,
  mails: number,
): Promise<{ readonly mails: number; readonly sent: number; readonly withheld: number }> {
  const before = host.mails.length;
  const sender = { name: "many", from: "many@friend.test", fate: "refused", hears: [] } as const;
  for (let i = 0; i < mails; i++) await sendAs({ ...sender, name: `many${i}` }, daemon.smtpPort);
  let told: readonly QueueEntryBody[] = [];
  await waitFor({ what: "each was told or not told", deadline: DEADLINE }, async () => {
    const entries = await entriesOf(daemon);
    told = entries.filter(
      ({ recipient, told: about }) => recipient.startsWith("many") && about !== undefined,
    );
    return told.length === mails;
  });
  const sent = told.filter(({ told: about }) => about?.notice !== undefined).length;
  await waitFor({ what: "they are sent", deadline: DEADLINE }, () => host.mails.length >= before + sent);
  const withheld = told.filter(({ told: about }) => /notices within 24 h/.test(about?.why ?? "")).length;
  return { mails, sent: host.mails.length - before, withheld };
}
