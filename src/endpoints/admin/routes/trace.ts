/** Where is my mail? One answer: how each recipient stands, and what happened until then. */
import type { Hono } from "hono";
import { parseAddress } from "../../../mail/address.ts";
import type { CheckNote } from "../../../ports/journal.ts";
import type { QueueEntry } from "../../../ports/operator.ts";
import type { TraceLine } from "../../../ports/trace.ts";
import { readQuery } from "../answers.ts";
import { TraceQuery, type LookBody, type TraceBody } from "../contract.ts";
import type { AdminEnv, AdminParts } from "../parts.ts";
import { lookOf } from "./explain.ts";

/** Most mails in one answer; the newest are kept. */
const MAILS = 20;
const LINES = 500;
const ID = /^[0-9a-hjkmnp-tv-z]{16}$/;

export function traceRoutes(app: Hono<AdminEnv>, parts: AdminParts): void {
  app.get("/v1/trace", async (c) => c.json(await trace(readQuery(c, TraceQuery).about, parts)));
}

async function trace(about: string, parts: AdminParts): Promise<TraceBody> {
  const name = about.trim().replace(/^<(.*)>$/, "$1");
  const keys = keysOf(name);
  const found = await parts.trace.trace({ about: keys, limit: LINES });
  const queued = await entriesOf(name, parts);
  const ids = newestIds([...found, ...queued, ...keys.map((id) => ({ id }))]);
  // The lines for the keys themselves were found above.
  const others = ids.filter((id) => !keys.includes(id));
  const [lines, mails] = await Promise.all([
    others.length === 0 ? [] : parts.trace.trace({ about: others, limit: LINES }),
    mailsOf(ids, keys, parts),
  ]);
  const all = new Map([...mails, ...queued].map((entry) => [`${entry.id} ${entry.n}`, entry]));
  return { about: name, mails: [...all.values()].sort(byAge), lines: inOrder([...found, ...lines]) };
}

/**
 * Returns the keys under which the trace may have entries. They are stored in lower case. A name that looks like an
 * address may also be a Message-ID, which must not be normalised as an address, so both forms are keys.
 */
function keysOf(name: string): readonly string[] {
  const keys = [name, parseAddress(name)?.text ?? name].map((key) => key.toLowerCase());
  return [...new Set(keys)];
}

function byAge(a: QueueEntry, b: QueueEntry): number {
  return a.acceptedAt - b.acceptedAt;
}

/** Finds the entries of an address in the queue and the ledger, as recipient and as sender. */
async function entriesOf(name: string, { queue }: AdminParts): Promise<readonly QueueEntry[]> {
  const address = parseAddress(name);
  if (address === undefined) return [];
  const filters = [{ recipient: address.text }, { sender: address.text }];
  const pages = await Promise.all(
    filters.map((filter) => queue.list({ filter, limit: MAILS, ledger: true })),
  );
  return pages.flatMap((page) => page.items);
}

function newestIds(known: readonly { readonly id: string }[]): readonly string[] {
  const ids = new Set(known.map(({ id }) => id).filter((id) => ID.test(id)));
  return [...ids].sort().slice(-MAILS);
}

/** For an address, returns the recipients that concern it; for an id or a Message-ID, all recipients of the mail. */
async function mailsOf(
  ids: readonly string[],
  keys: readonly string[],
  { queue }: AdminParts,
): Promise<readonly QueueEntry[]> {
  const details = await Promise.all(ids.map((id) => queue.show(id)));
  const entries = details.flatMap((detail) => detail?.recipients ?? []);
  const concerned = entries.filter(({ recipient, sender }) =>
    [recipient, sender].some((address) => keys.includes(address.toLowerCase())),
  );
  return concerned.length > 0 ? concerned : entries;
}

function inOrder(lines: readonly TraceLine[]): TraceBody["lines"] {
  const unique = new Map<string, TraceLine>();
  for (const line of lines) unique.set(JSON.stringify([line.at, line.id, line.kind, line.text]), line);
  const sorted = [...unique.values()].sort((a, b) => a.at - b.at);
  return sorted.slice(-LINES).map(shown);
}

function shown({ at, id, kind, text, checks }: TraceLine): TraceBody["lines"][number] {
  return checks === undefined ? { at, id, kind, text } : { at, id, kind, text, checks: looksOf(checks) };
}

/** Reads the notes of checks; text that another version wrote in another form counts as no notes. */
function looksOf(checks: string): readonly LookBody[] {
  try {
    return (JSON.parse(checks) as readonly CheckNote[]).map(lookOf);
  } catch {
    return [];
  }
}
