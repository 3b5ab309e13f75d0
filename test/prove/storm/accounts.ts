/** Adds up what clients, primaries and operator saw, and what the daemon's ledger says of it. */
import type { QueueEntryBody } from "../../../src/endpoints/admin/contract.ts";
import type { Filter, Operator } from "./operator.ts";
import { DIRECT, NOTICES, placeOfAddress, REROUTE, VERIFIED } from "./places.ts";
import { isNotice, type Chronicle, type Taken } from "./primary.ts";

interface Books {
  readonly chronicle: Chronicle;
  readonly operator: Operator;
  /** Mail may have expired. */
  readonly brief: boolean;
}

const NOTICE_DOMAIN = "+notices";
/** Words of our own: no primary takes such mail. */
const NOWHERE = /SMTPUTF8|5\.3\.4|5\.6\.7/;

/** Each row against what primaries have and said, and what the operator asked for. */
export function audit(rows: readonly QueueEntryBody[], books: Books): readonly string[] {
  const arrivals = Map.groupBy(books.chronicle.taken.flatMap(eachRecipient), ({ key }) => key);
  return rows.flatMap((row) => {
    const arrived = (arrivals.get(keyOf(row.id, row.recipient)) ?? []).map(({ taken }) => taken);
    const name = `${row.subject} (${row.id}) for ${row.recipient}, ${row.state} ${row.reason ?? ""}`;
    return rowFailures(row, arrived, books).map((failure) => `${name}: ${failure}`);
  });
}

/** What must be so at the end: each 250 has its row, each notice is there, nothing went to a primary of others. */
export function auditAll(
  rows: readonly QueueEntryBody[],
  { taken }: Chronicle,
  ids: ReadonlyMap<string, string>,
): readonly string[] {
  const listed = new Set(rows.map(({ id }) => id));
  const byKey = new Map(rows.map((row) => [keyOf(row.id, row.recipient), row]));
  const unlisted = [...ids].filter(([, id]) => !listed.has(id));
  const untold = rows.filter(({ told }) => told?.notice !== undefined && !listed.has(told.notice));
  const astray = taken.flatMap(eachRecipient).filter((one) => isAstray(one, byKey.get(one.key)));
  const seen = taken.filter(({ number, secure }) => VERIFIED.includes(number) && !secure);
  return [
    ...unlisted.map(([mail, id]) => `${mail}, queued as ${id}, is not in the ledger`),
    ...untold.map(({ id, told }) => `${id}: its notice ${told?.notice} is nowhere`),
    ...astray.map(({ key, taken: { number } }) => `${key} went to primary ${number}`),
    ...seen.map(({ mail, number }) => `${mail.proofId} went to primary ${number} for others to see`),
  ];
}

interface Arrival {
  readonly key: string;
  readonly recipient: string;
  readonly taken: Taken;
}

function eachRecipient(taken: Taken): readonly Arrival[] {
  const { mail } = taken;
  // The Message-ID of a notice begins with its id.
  const id = isNotice(mail) ? /^<?(\w+)@/.exec(mail.messageId ?? "")?.[1] : mail.queueId;
  return mail.recipients.map((recipient) => ({ key: keyOf(id ?? "", recipient), recipient, taken }));
}

function keyOf(id: string, recipient: string): string {
  return `${id} for ${recipient.toLowerCase()}`;
}

function isAstray({ recipient, taken: { number, mail } }: Arrival, row: QueueEntryBody | undefined): boolean {
  if (row === undefined || isNotice(mail) !== (row.domain === NOTICE_DOMAIN)) return true;
  const others = isNotice(mail) ? [NOTICES, DIRECT] : [REROUTE];
  return ![...others, ...(placeOfAddress(recipient)?.primaries ?? [])].includes(number);
}

function rowFailures(row: QueueEntryBody, arrived: readonly Taken[], books: Books): readonly string[] {
  const { state, reason, owed } = row;
  const isDelivered = state === "gone" && reason === "delivered";
  const most = row.unconfirmed + (isDelivered ? 1 : 0);
  return [
    ...(arrived.length > most ? [`arrived ${arrived.length} times, ${row.unconfirmed} named`] : []),
    ...(isDelivered ? deliveredFailures(row, arrived, books) : []),
    ...(state === "parked" ? parkedFailures(row, books) : []),
    ...(state === "gone" && !isDelivered && !mayEnd(row, books) ? ["nobody asked for that"] : []),
    ...(state === "gone" || state === "parked" ? [] : ["is still here"]),
    ...(owed === undefined ? [] : [`its sender is owed ${owed}`]),
  ];
}

function deliveredFailures(
  { lastReply = "", destination }: QueueEntryBody,
  arrived: readonly Taken[],
  { chronicle }: Books,
): readonly string[] {
  const word = chronicle.quoted(lastReply);
  const own = arrived.find(({ mail, port }) => mail === word?.mail && port === word?.port);
  if (word === undefined || own === undefined) return [`its words are of another mail: ${lastReply}`];
  const there = own.destinations.includes(destination ?? "");
  return [
    ...(lastReply.includes(word.text) ? [] : [`${lastReply} instead of ${word.text}`]),
    ...(there ? [] : [`its destination is ${destination}, it arrived at ${own.destinations.join()}`]),
  ];
}

function parkedFailures(row: QueueEntryBody, { chronicle, operator, brief }: Books): readonly string[] {
  const { reason, lastReply = "" } = row;
  if (row.told === undefined) return ["its sender was told nothing, without a reason"];
  if (reason === "expired") return brief ? [] : ["it was not time"];
  if (reason === "operator") return isAskedFor(row, operator.bounced) ? [] : ["nobody gave it up"];
  const word = chronicle.quoted(lastReply);
  if (word === undefined) return NOWHERE.test(lastReply) ? [] : [`without a primary's words: ${lastReply}`];
  if (!word.text.startsWith("5")) return [`parked for ${word.text}`];
  const isAboutIt =
    word.recipients.length === 0 ||
    (word.recipients.some((recipient) => recipient.toLowerCase() === row.recipient.toLowerCase()) &&
      (word.mail?.queueId ?? row.id) === row.id);
  return isAboutIt ? [] : [`its words are of another mail: ${word.text}`];
}

function mayEnd(row: QueueEntryBody, { operator, brief }: Books): boolean {
  if (row.reason === "deleted") return isAskedFor(row, operator.deleted);
  return row.domain === NOTICE_DOMAIN || brief;
}

function isAskedFor(row: QueueEntryBody, filters: readonly Filter[]): boolean {
  return filters.some(
    ({ id, recipient }) => id === row.id || recipient?.toLowerCase() === row.recipient.toLowerCase(),
  );
}
