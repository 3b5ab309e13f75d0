import { printable } from "../../mail/reply.ts";
import type { Alert } from "../../ports/alerts.ts";
import type { JournalEvent, MailEvent } from "../../ports/journal.ts";
import { LEAP } from "../../runtime/clock-watch.ts";
import { counted, sizeInWords, timeInWords } from "../../runtime/quantities.ts";

/** Returns the alert for an event, in one plain sentence; undefined if the event needs no alert. */
export function alertFor(event: JournalEvent, at: number): Alert | undefined {
  const words = sentence(event);
  if (words === undefined) return undefined;
  const { kind, ...facts } = event;
  const name = event.kind === "store.condition" ? storeName(event) : kind;
  return { name, subject: printable(words.subject), text: printable(words.text), at, facts: bounded(facts) };
}

/** Most entries of a list in the facts: the receiver may refuse long requests, as web servers do. */
const LISTED = 100;

function bounded(facts: Alert["facts"]): Alert["facts"] {
  const cut = (fact: unknown): unknown => (Array.isArray(fact) ? fact.slice(0, LISTED) : fact);
  return Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, cut(fact)]));
}

interface Words {
  readonly subject: string;
  readonly text: string;
}

function sentence(event: JournalEvent): Words | undefined {
  switch (event.kind) {
    case "primary.down":
    case "primary.up":
    case "primary.loop":
    case "primary.weakened":
    case "primary.slow":
      return words(event.destination, primaryText(event));
    case "probation.stopped":
      return words(`${event.domain} at ${event.destination}`, stoppedText(event));
    case "probation.passed":
      if (event.why === undefined) return undefined;
      return words(
        `${event.domain} at ${event.destination}`,
        `Mail for ${event.domain} goes to ${event.destination} again (${event.why}); ${people(event.held)} waiting.`,
      );
    case "mail.held":
      return heldWords(event);
    case "scanner.away":
    case "scanner.back":
      return words(`${event.scanner} ${event.server}`, scannerText(event));
    case "store.condition":
      return words("store", storeText(event));
    case "store.checked":
      return event.findings.length === 0 ? undefined : words("store", damageText(event));
    case "queue.oldest":
      return words(
        event.domain,
        `The oldest mail for ${event.domain} has waited for ${timeInWords(event.age)}; ${people(event.recipients)} waiting.`,
      );
    case "quota.reached":
    case "quota.left":
      return words(event.domain, quotaText(event));
    case "queue.expiring":
      return words(
        event.domain,
        `Mail for ${event.domain} has used ${Math.round(event.share * 100)} % of its retention; ${people(event.recipients)} close to expiry.`,
      );
    default:
      return lesserSentence(event);
  }
}

/** Alerts about recipient lists, notices, unread mail, certificates, blocklists, threads and the clock. */
function lesserSentence(event: JournalEvent): Words | undefined {
  switch (event.kind) {
    case "recipients.stuck":
      return words(event.domain, stuckText(event));
    case "notice.withheld":
      return event.operators ? words(event.domain, withheldText(event)) : undefined;
    case "quarantine.unread":
      return words("quarantine", unreadText(event));
    case "parked.unread":
      return words("parked", unreadText(event));
    case "queue.deleted":
      return words("parked", deletedText(event.recipients));
    case "certificate.stuck":
      return words(event.file, certificateText(event));
    case "blocklist.listsUs":
      return words(event.ip, listedText(event));
    case "thread.silent":
    case "thread.answers":
      return words(event.thread, silenceText(event));
    case "clock.set":
      return event.by < LEAP ? undefined : words("clock", leapText(event.by));
    default:
      return undefined;
  }
}

type Silence = Extract<JournalEvent, { kind: "thread.silent" | "thread.answers" }>;

function silenceText({ kind, thread, silence }: Silence): string {
  const time = timeInWords(silence);
  if (kind === "thread.answers") return `The ${thread} thread answers again, after ${time}.`;
  return thread === "storage"
    ? `The storage thread has not answered for ${time}: most likely the disk does not. Until it does, no mail is accepted or delivered; none is lost.`
    : `The ${thread} thread has not answered for ${time}; it is ended and started again. Its connections are cut, and their mail comes again; none is lost.`;
}

type Probation = Extract<
  JournalEvent,
  { kind: "probation.stopped" | "probation.began" | "probation.passed" }
>;

function stoppedText({ destination, domain, why = "no reason known", held, elsewhere }: Probation): string {
  const what = `${destination} came back but behaves abnormally (${why}); mail for ${domain}`;
  const resume = `A canary goes from time to time; \`holdfast domain resume ${domain}\` lets all of it go`;
  return elsewhere
    ? `${what} goes to its other primaries, ${people(held)} waiting. ${resume} there again.`
    : `${what} is held, ${people(held)} waiting. ${resume}.`;
}

type Stuck = Extract<JournalEvent, { kind: "recipients.stuck" }>;

function stuckText({ domain, why, first }: Stuck): string {
  return first
    ? `The list of recipients of ${domain} could not be fetched (${why}); there is no previous list, so senders get a temporary error.`
    : `The list of recipients of ${domain} could not be renewed (${why}); the previous list stays in force.`;
}

type StuckCertificate = Extract<JournalEvent, { kind: "certificate.stuck" }>;

function certificateText({ why, expiresAt }: StuckCertificate): string {
  const day = new Date(expiresAt).toISOString().slice(0, 10);
  return `The files of a certificate were changed and cannot be used: ${why}. The previous certificate stays in use; it ends on ${day}.`;
}

function leapText(by: number): string {
  return `The clock jumped forward by ${timeInWords(by)}: it was set, or the machine slept. No mail expires for a day; if the time is wrong, set it right before that day is over.`;
}

type Checked = Extract<JournalEvent, { kind: "store.checked" }>;

function damageText({ findings }: Checked): string {
  return `The mail database is damaged: ${findings.slice(0, NAMED).join("; ")}. Stop the daemon and copy the data folder; docs/operating.md says how to save what can be read.`;
}

type Quota = Extract<JournalEvent, { kind: "quota.reached" | "quota.left" }>;

function quotaText({ kind, domain, messages, bytes }: Quota): string {
  const what = `${counted(messages, "mail")}, ${sizeInWords(bytes)}`;
  return kind === "quota.reached"
    ? `${domain} has reached its quota (${what} held); senders get a temporary error until some of it is gone.`
    : `${domain} is below its quota again (${what} held); its mail is accepted.`;
}

function words(subject: string, text: string): Words {
  return { subject, text };
}

type Withheld = Extract<JournalEvent, { kind: "notice.withheld" }>;

function withheldText({ id, sender, domain, about, why }: Withheld): string {
  const parked = about === "failed" || about === "expired" ? " It is parked." : "";
  return `The sender ${sender} of mail ${id} for ${domain} should be notified about it but is not: ${why}.${parked}`;
}

type PrimaryKind = "primary.down" | "primary.up" | "primary.loop" | "primary.weakened" | "primary.slow";

function primaryText(event: Extract<JournalEvent, { kind: PrimaryKind }>): string {
  const { destination } = event;
  switch (event.kind) {
    case "primary.down":
      return `${destination} does not accept mail (${event.why}); ${people(event.held)} held for ${list(event.domains)}.`;
    case "primary.up":
      return `${destination} is back after ${timeInWords(event.outage)}; ${people(event.held)} waiting, and delivered from now on.`;
    case "primary.loop":
      return `${destination} is Holdfast itself (${event.why}); mail for ${list(event.domains)} is held until the primary is corrected.`;
    case "primary.slow":
      return `${destination}, which accepts mail for ${list(event.domains)}, responds slowly: ${event.why}. It may be a tarpit for senders that it does not know; exempt this server from it.`;
    case "primary.weakened":
      return `${destination}, which accepts mail for ${list(event.domains)}: ${event.why}.`;
  }
}

type Held = Extract<MailEvent, { readonly reason?: string }>;

/** Alerts about unconfirmed and damaged mail only; other reasons to hold mail have alerts of their own, or need none. */
function heldWords(event: Held): Words | undefined {
  switch (event.reason) {
    case "unconfirmed":
      return words(event.domain, doubtText(event));
    case "damaged":
      // Its own subject, because a second alert about the same subject is delayed for up to ten minutes.
      return words(`damaged mail of ${event.domain}`, damagedText(event));
    default:
      return undefined;
  }
}

function damagedText({ id, recipient, why }: Held): string {
  return `Mail ${id} for ${recipient} is held, because its stored copy differs from the accepted mail: ${why}. Check the disk. \`holdfast queue list --reason damaged\` names all of them, \`holdfast queue export ${id} --damaged\` saves what is left; see docs/operating.md.`;
}

function doubtText({ id, recipient, destination = "its primary" }: Held): string {
  return `Mail ${id} for ${recipient} went to ${destination} several times without a reply to the final dot; each copy may have arrived, so the mail is held. \`holdfast queue release ${id}\` sends it once more.`;
}

type Unread = Extract<JournalEvent, { kind: "quarantine.unread" | "parked.unread" }>;

function unreadText({ kind, recipients, age, left }: Unread): string {
  const end = `for ${timeInWords(age)}; it is deleted in ${timeInWords(left)}. ${counted(recipients, "recipient")} to look at`;
  return kind === "quarantine.unread"
    ? `Nobody has looked at the oldest mail in quarantine ${end}: \`holdfast quarantine list\`.`
    : `Nobody has decided on parked mail ${end}: \`holdfast queue list --state parked\`.`;
}

function deletedText(recipients: number): string {
  return `Quarantined or parked mail was deleted because nobody decided on it before its retention ended: ${counted(recipients, "recipient")} since the last such alert. \`holdfast trace --ledger\` names them.`;
}

type Listed = Extract<JournalEvent, { kind: "blocklist.listsUs" }>;

function listedText({ ip, zone }: Listed): string {
  return `Our address ${ip} is listed by ${zone}; primaries may refuse mail from this server.`;
}

type Scanner = Extract<JournalEvent, { kind: "scanner.away" | "scanner.back" }>;

function scannerText(event: Scanner): string {
  const { scanner, server } = event;
  return event.kind === "scanner.back"
    ? `The scanner ${scanner} at ${server} answers again.`
    : `The scanner ${scanner} at ${server} does not answer (${event.why}); it is retried from time to time.`;
}

type StoreCondition = Extract<JournalEvent, { kind: "store.condition" }>;

/** The ballast has names of its own, because an alert of the same name is delayed for up to ten minutes. */
function storeName({ condition, ballast }: StoreCondition): string {
  if (ballast === undefined) return `store.${condition}`;
  return ballast > 0 ? "store.ballast" : "store.stuck";
}

function storeText(event: StoreCondition): string {
  const { condition, why, free, ballast } = event;
  const room = free === undefined ? "" : ` ${sizeInWords(free)} are free.`;
  if (ballast !== undefined)
    return `The disk is full (${why}); new mail is deferred with 452, ${deliveriesWith(ballast)}${room} Free some space.`;
  switch (condition) {
    case "ok":
      return `Storage works again (${why}); mail is accepted.${room}`;
    case "full":
      return `Storage is full (${why}); new mail is deferred with 452, deliveries go on.${room}`;
    case "sick":
      return `Storage is sick (${why}); nothing is accepted or delivered until it works again.${room}`;
  }
}

function deliveriesWith(ballast: number): string {
  if (ballast === 0) return "deliveries stand still until there is room, and nothing is lost.";
  return `deliveries go on in the space reserved for them, of which ${sizeInWords(ballast)} are left.`;
}

function people(count: number): string {
  return counted(count, "recipient is", "recipients are");
}

/** Most domains, or findings, that an alert names. */
const NAMED = 3;

function list(domains: readonly string[]): string {
  const named = domains.slice(0, NAMED).join(", ");
  return domains.length > NAMED ? `${named} and ${domains.length - NAMED} more` : named;
}
