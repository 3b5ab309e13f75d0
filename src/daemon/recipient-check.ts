/** Answers `recipients check`: the reply to a client at RCPT, the source of that knowledge, and its age. */
import { looksLikeRelayProbe, mailboxKey, parseAddress, type Address } from "../mail/address.ts";
import { formatReply } from "../mail/reply.ts";
import type { RecipientCheckBody } from "../endpoints/admin/contract.ts";
import type { DomainRecord, RecipientHit } from "../ports/directory.ts";
import type { KnownPrimaries } from "../ports/health.ts";
import type { RecipientMemory } from "../ports/recipient-memory.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Directory } from "../services/directory/directory.ts";
import { RELAY_DENIED, replyTo } from "../services/policy/policy.ts";
import { Known, spellings, type Admission, type FetchStatus } from "../services/recipients/recipients.ts";

type Source = NonNullable<RecipientCheckBody["sources"]>[number];
type Words = Omit<RecipientCheckBody, "address">;

interface RecipientCheckParts {
  readonly directory: Directory;
  readonly memory: Pick<RecipientMemory, "find" | "mayBeRefused">;
  readonly clock: Clock;
  readonly primaries: () => Promise<KnownPrimaries>;
  /** Returns the state of the fetched list of a domain. */
  readonly fetched: (domain: string) => FetchStatus | undefined;
}

/** One address in one domain, with all that decides about it. */
interface Case extends KnownPrimaries {
  readonly address: Address;
  readonly record: DomainRecord;
}

/** `text` is what an operator wrote, and may be anything. */
export async function checkRecipient(text: string, parts: RecipientCheckParts): Promise<RecipientCheckBody> {
  const address = parseAddress(text);
  if (address === undefined) return refused(text, "this is not an address");
  const { directory } = parts;
  const record = directory.domain(address.domain, directory.generation());
  if (record === undefined) return refused(text, `${address.domain} is not one of our domains`);
  const about = { address, record, ...(await primariesOf(record, parts)) };
  return { address: text, ...wordsFor(about, parts), sources: sourcesOf(about, parts) };
}

/** Returns the primaries that would be asked about the domain's addresses. */
async function primariesOf(
  { name, settings }: DomainRecord,
  parts: RecipientCheckParts,
): Promise<KnownPrimaries> {
  if (settings.callout !== true) return { primaries: [] };
  const { primaries, ...unknown } = await parts.primaries();
  return { primaries: primaries.filter(({ domains }) => domains.includes(name)), ...unknown };
}

function refused(address: string, why: string): RecipientCheckBody {
  return { address, answer: "reject", why };
}

const PROBE = "a local part with `%`, `!` or `@` asks us to relay the mail: refused, whatever the lists say";

function wordsFor(about: Case, parts: RecipientCheckParts): Words {
  const { address, record } = about;
  const { clock, directory, fetched } = parts;
  if (looksLikeRelayProbe(address)) return { answer: "reject", why: PROBE, reply: formatReply(RELAY_DENIED) };
  if (record.draining)
    return {
      answer: "defer",
      why: `${record.name} was removed; it accepts no new mail and delivers what is waiting`,
    };
  const found = new Known(directory, parts).find(record, address);
  const now = clock.now();
  switch (found.kind) {
    case "known": {
      const { pattern, origin } = found;
      const checkedAt = origin === "url" ? fetched(record.name)?.checkedAt : undefined;
      const age = checkedAt === undefined ? {} : { age: now - checkedAt };
      return { answer: "accept", why: knownText(pattern, address, record), origin, ...age };
    }
    case "postmaster":
      return { answer: "accept", why: "postmaster is always valid", origin: "always" };
    case "catchAll":
      return { answer: "accept", why: "the domain accepts every address", origin: "catch-all" };
    case "accepted": {
      const { origin, at } = found;
      return { answer: "accept", why: takenText(origin), origin: learntFrom(origin), age: now - at };
    }
    case "refused": {
      const { doubted, origin, at } = found;
      const why = doubted
        ? "its primary refuses it, but accepted it recently: deferred for the first day"
        : "its primary has no such mailbox";
      const admission: Admission = doubted
        ? { kind: "defer", why: "doubted" }
        : { kind: "reject", why: "refused" };
      return { ...told(admission, why), origin: learntFrom(origin), age: now - at };
    }
    case "unknown":
      return unknownText(about);
  }
}

function learntFrom(origin: "delivery" | "callout"): string {
  return origin === "callout" ? "callout" : "learned";
}

function takenText(origin: "delivery" | "callout"): string {
  return origin === "callout" ? "its primary said that it exists" : "its primary accepted mail for it";
}

/** The answer with the reply text that a client reads. */
function told(admission: Admission, why: string): Words {
  const reply = replyTo(admission);
  const answer = admission.kind;
  return { answer, why, ...(reply !== undefined && { reply: formatReply(reply) }) };
}

/** The answer for an address that no source knows. */
function unknownText({ record, primaries, noPrimaries }: Case): Words {
  const { callout = false, fetched, unknownDuringOutage } = record.settings;
  if (!callout && fetched !== undefined && record.fetched === undefined)
    return told({ kind: "defer", why: "unlisted" }, `the list at ${fetched.url} was never fetched`);
  if (!callout) return told({ kind: "reject", why: "unknown" }, "not in the lists of the domain");
  if (noPrimaries !== undefined)
    return told({ kind: "defer", why: "unverified" }, "unknown, and no primary can be asked at the moment");
  const up = primaries.find(({ state }) => state === "up");
  if (up !== undefined) {
    const all = up.acceptAll?.includes(record.name) === true;
    const why = all
      ? `unknown, and ${up.destination} accepts every address`
      : `unknown; ${up.destination} would be asked`;
    return { answer: all ? "accept" : "ask", why };
  }
  const away = "unknown, and no primary is up to be asked; unknownDuringOutage is";
  return told({ kind: unknownDuringOutage, why: "outage" }, `${away} ${unknownDuringOutage}`);
}

/** Lists what each source says, including sources that know nothing. */
function sourcesOf(
  { address, record, primaries, noPrimaries }: Case,
  parts: RecipientCheckParts,
): readonly Source[] {
  const { settings } = record;
  const now = parts.clock.now();
  const sources: Source[] = [];
  const hit = listed(record, address, parts.directory);
  const where = hit === undefined ? "not in it" : `has \`${hit.pattern}\``;
  sources.push({ source: hit?.origin === undefined ? "lists" : `list (${hit.origin})`, says: where });
  const status = settings.fetched === undefined ? undefined : parts.fetched(record.name);
  if (settings.fetched !== undefined)
    sources.push({ source: settings.fetched.url, ...fetchText(status, now) });
  const { accepted, refused: no } = parts.memory.find(mailboxKey(address));
  if (accepted !== undefined)
    sources.push({ source: "memory", says: takenText(accepted.origin), age: now - accepted.at });
  if (no !== undefined)
    sources.push({ source: "memory", says: `its primary refused it: ${no.reply}`, age: now - no.at });
  if (noPrimaries !== undefined) sources.push({ source: "callout", says: noPrimaries });
  for (const { destination, state, acceptAll = [] } of primaries) {
    const all = acceptAll.includes(record.name) ? ", accepts every address" : "";
    sources.push({ source: "callout", says: `${destination} is ${state}${all}` });
  }
  return sources;
}

/** Looks the address up in the lists, as at RCPT. */
function listed(record: DomainRecord, { local }: Address, directory: Directory): RecipientHit | undefined {
  const hits = spellings(local, record.settings.tagSeparator).map((each) =>
    directory.recipient(record, each),
  );
  return hits.find((hit) => hit !== undefined);
}

function fetchText(status: FetchStatus | undefined, now: number): Omit<Source, "source"> {
  if (status === undefined) return { says: "not fetched yet" };
  const { entries, checkedAt, error } = status;
  const had = entries === undefined ? "was never fetched" : `${entries} entries`;
  const trouble = error === undefined ? "" : `; the last fetch failed: ${error}`;
  return { says: `${had}${trouble}`, ...(checkedAt !== undefined && { age: now - checkedAt }) };
}

function knownText(pattern: string, { local }: Address, { settings }: DomainRecord): string {
  const where = `\`${pattern}\` in the list`;
  const [, bare] = spellings(local, settings.tagSeparator);
  const whole = pattern === local || (pattern.endsWith("*") && local.startsWith(pattern.slice(0, -1)));
  return bare === undefined || whole
    ? `matches ${where}`
    : `without its tag \`${local.slice(bare.length)}\` it matches ${where}`;
}
