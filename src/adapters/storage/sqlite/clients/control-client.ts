import { createHash } from "node:crypto";
import type { MessagePort } from "node:worker_threads";
import type { TokenStore } from "../../../../ports/tokens.ts";
import type {
  DeclaredDomain,
  DeclareResult,
  DirectoryWriter,
  ListSizes,
  RecipientChange,
} from "../../../../ports/directory.ts";
import type { AllowedSenderStore } from "../../../../ports/quarantine.ts";
import type { OperatorStore } from "../../../../ports/operator.ts";
import type { FetchRecords } from "../../../../ports/recipient-lists.ts";
import type { RuleStore } from "../../../../ports/rules.ts";
import { openChannel, type Caller } from "../../../../runtime/channel.ts";
import type { ControlMethods, EntrySlice, SideListPlan, StagedDomain, WantedList } from "../wire/wire.ts";

/** Entries and domains of one slice: the writer needs a few milliseconds for it. */
const ENTRIES = 1000;
const DOMAINS = 200;
/** Slices of entries that are sent before the first of them is answered. */
const AHEAD = 8;
/** Up to this many entries a list is changed in place; for more, a new list is staged beside it. */
const IN_PLACE = 1000;

type Control = OperatorStore & DirectoryWriter & TokenStore & RuleStore & AllowedSenderStore & FetchRecords;

/** The main thread's side of operators' changes. Cuts large changes into slices. */
export function connectControl(port: MessagePort): Control {
  const channel = openChannel<ControlMethods>(port);
  return {
    operate: (request) => channel.call("operate", request),
    declare: (domains) => declare(channel, domains),
    addDomain: (domain) => addDomain(channel, domain),
    changeDomain: (name, settings) => channel.call("changeDomain", { name, settings }),
    removeDomain: (name) => channel.call("removeDomain", name),
    setPaused: (name, paused, until) =>
      channel.call("setPaused", { name, paused, ...(until !== undefined && { until }) }),
    endPauses: () => channel.call("endPauses"),
    changeRecipients: (change) => changeRecipients(channel, change),
    fetchRecords: () => channel.call("fetchRecords"),
    noteFetch: (note) => channel.call("noteFetch", note),
    retire: () => channel.call("retire"),
    tokens: () => channel.call("tokens"),
    addToken: (token) => channel.call("addToken", token),
    revokeToken: (name) => channel.call("revokeToken", name),
    rules: () => channel.call("rules"),
    addRule: (rule) => channel.call("addRule", rule),
    removeRule: (id) => channel.call("removeRule", id),
    allowSender: (sender) => channel.call("allowSender", sender),
    disallowSender: (sender) => channel.call("disallowSender", sender),
  };
}

async function declare(
  channel: Caller<ControlMethods>,
  domains: readonly DeclaredDomain[],
): Promise<DeclareResult> {
  await channel.call("stageOpen");
  return orNothing(channel, async () => {
    for (const part of slices(domains, DOMAINS)) await stageSome(channel, part);
    return channel.call("stageFlip");
  });
}

async function stageSome(channel: Caller<ControlMethods>, domains: readonly DeclaredDomain[]): Promise<void> {
  const lists = new Map<string, readonly string[]>();
  const staged: StagedDomain[] = [];
  for (const { name, settings, recipients } of domains) {
    if (recipients === undefined) staged.push({ name, settings });
    else {
      lists.set(name, recipients);
      staged.push({ name, settings, hash: hashOf(recipients) });
    }
  }
  const wanted: readonly WantedList[] = await channel.call("stageDomains", staged);
  const entries = wanted.map(({ name, list }) => ({ list, patterns: patternsOf(lists.get(name) ?? []) }));
  await sendAhead(packed(entries), (some) => channel.call("stageEntries", some));
}

async function addDomain(channel: Caller<ControlMethods>, domain: DeclaredDomain): Promise<void> {
  const { name, settings, recipients } = domain;
  const bare = { name, settings };
  if (recipients === undefined) return channel.call("addDomain", { domain: bare });
  const plan = { table: "overlay", domain: name, keep: false, fresh: true } as const;
  return replaceList(channel, plan, async (list) => {
    await fill(channel, "sideListAdd", { list, patterns: recipients });
    return channel.call("addDomain", { domain: bare, list });
  });
}

async function changeRecipients(
  channel: Caller<ControlMethods>,
  change: RecipientChange,
): Promise<ListSizes> {
  const { domain, verb, recipients, fetched = false } = change;
  const table = fetched ? "fetched" : "overlay";
  if (verb !== "replace" && recipients.length <= IN_PLACE) return channel.call("changeEntries", change);
  const plan = { table, domain, keep: verb !== "replace", fresh: false } as const;
  return replaceList(channel, plan, async (list) => {
    const method = verb === "remove" ? "sideListRemove" : "sideListAdd";
    await fill(channel, method, { list, patterns: recipients });
    return channel.call("sideListFlip", { domain, list });
  });
}

/** Sends the patterns in the order of the table, so that each commit touches few pages. */
function fill(
  channel: Caller<ControlMethods>,
  method: "sideListAdd" | "sideListRemove",
  { list, patterns }: EntrySlice,
): Promise<void> {
  return sendAhead(slices(patterns.toSorted(), ENTRIES), (slice) =>
    channel.call(method, { list, patterns: slice }),
  );
}

/** Opens a new side list; `use` fills it and puts it in force. */
async function replaceList<T>(
  channel: Caller<ControlMethods>,
  plan: SideListPlan,
  use: (list: number) => Promise<T>,
): Promise<T> {
  const list = await channel.call("sideListOpen", plan);
  return orNothing(channel, () => use(list));
}

/** Runs `change`; if it fails, discards everything that was staged. */
async function orNothing<T>(channel: Caller<ControlMethods>, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    await channel.call("stageDiscard");
    throw error;
  }
}

/** Hashes of lists that were staged before: a reload stages the same lists again, and there may be thousands. */
const hashes = new WeakMap<readonly string[], string>();

function hashOf(recipients: readonly string[]): string {
  const known = hashes.get(recipients);
  if (known !== undefined) return known;
  const hash = createHash("sha256").update(patternsOf(recipients).join("\n")).digest("hex");
  hashes.set(recipients, hash);
  return hash;
}

/** Removes duplicates and sorts the patterns in the order of the table. */
function patternsOf(recipients: readonly string[]): readonly string[] {
  return [...new Set(recipients)].sort();
}

/** Sends all slices, several at a time so that one commit can hold several; rejects with the first failure. */
async function sendAhead<T>(all: Iterable<T>, send: (slice: T) => Promise<unknown>): Promise<void> {
  const open = new Set<Promise<unknown>>();
  for (const slice of all) {
    if (open.size >= AHEAD) await Promise.race(open);
    const sent = send(slice).finally(() => open.delete(sent));
    // After the first failure the others fail as well, and nothing awaits them.
    sent.catch(() => undefined);
    open.add(sent);
  }
  await Promise.all(open);
}

/** Packs lists into slices; small lists share one. One commit for each list would mean thousands at a first start. */
function* packed(lists: readonly EntrySlice[]): Generator<readonly EntrySlice[]> {
  let slice: EntrySlice[] = [];
  let room = ENTRIES;
  for (const { list, patterns } of lists)
    for (let at = 0; at < patterns.length;) {
      const part = patterns.slice(at, at + room);
      slice.push({ list, patterns: part });
      at += part.length;
      room -= part.length;
      if (room > 0) continue;
      yield slice;
      slice = [];
      room = ENTRIES;
    }
  if (slice.length > 0) yield slice;
}

function* slices<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
