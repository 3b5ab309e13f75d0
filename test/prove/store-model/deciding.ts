/** What operators, time and the writer of notices do. */
import { strict as assert } from "node:assert";
import { DSN_DOMAIN, type DelayPlace, type DsnKind, type ToldRequest } from "../../../src/ports/dsn.ts";
import type { Note } from "../../../src/ports/recipient-memory.ts";
import type { OperatorVerb } from "../../../src/ports/operator.ts";
import { newMail } from "../../contract/mails.ts";
import type { Random } from "../../support/random.ts";
import type { Act, Acts } from "./act.ts";
import { ADDRESSES, anyFilter, anyTime, DOMAINS, oneIn, PLACES, smallBody } from "./choices.ts";
import { turnPage } from "./paging.ts";
import { delay, expire, operate, tell } from "./verbs.ts";
import type { World } from "./world.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** No clock of a walk is set that far back. */
const LONG = 1000 * DAY;
const VERBS: readonly OperatorVerb[] = [
  "hold",
  "hold",
  "release",
  "release",
  "delete",
  "flush",
  "reroute",
  "bounce",
];
const KINDS: readonly DsnKind[] = ["failed", "expired", "delayed", "relayed"];
/** Rows that one slice ends: few, or all. */
const SLICES = [3, 20, 100_000] as const;

const act: Act = async (world, random) => {
  const verb = random.pick(VERBS);
  const filter = anyFilter(world.queue, random);
  const to = oneIn(3, random) ? undefined : random.pick(PLACES);
  // A long act has the time at which it began.
  const now = world.now() - (oneIn(5, random) ? random.below(HOUR) : 0);
  const request = { verb, filter, who: random.pick(["socket", "api"]), now, ...(to !== undefined && { to }) };
  assert.equal(await world.clients.store.control.operate(request), operate(world.queue, request), verb);
  await world.hear([]);
  return JSON.stringify(request);
};

const age: Act = async (world, random) => {
  const now = world.now();
  const before = (): number => (oneIn(3, random) ? 0 : now + 1 - anyTime(random));
  const slice = {
    now,
    waitingBefore: before(),
    parkedBefore: before(),
    quarantinedBefore: before(),
    goneBefore: before(),
    ...(oneIn(2, random) && { contentBefore: before() }),
    limit: random.pick(SLICES),
  };
  // Which of the remembered addresses a short slice forgets is the store's own affair.
  const request = { ...slice, ...(forgetsAddresses(world) && { limit: SLICES[2] }) };
  const found = expire(world.queue, request);
  const forgotten = found.forgotten + world.memory.expire(now);
  assert.deepEqual(await world.clients.work.expire(request), { ...found, forgotten }, "what ended");
  await world.hear([]);
  return `expire ${JSON.stringify(request)}`;
};

/** So that the same mails meet again and again: what is gone is forgotten, and what many wait for is deleted. */
export const clearOut: Act = async (world, random) => {
  const now = world.now();
  const verb = { verb: "delete", filter: { domain: random.pick(DOMAINS) }, who: "socket", now } as const;
  assert.equal(await world.clients.store.control.operate(verb), operate(world.queue, verb));
  const never = { waitingBefore: 0, parkedBefore: 0, quarantinedBefore: 0 };
  const slice = { ...never, now, goneBefore: now + LONG, limit: 100_000 };
  const found = expire(world.queue, slice);
  const forgotten = found.forgotten + world.memory.expire(now);
  assert.deepEqual(await world.clients.work.expire(slice), { ...found, forgotten }, "what ended");
  await world.hear([]);
  return `clear out ${JSON.stringify(verb.filter)}`;
};

function forgetsAddresses({ memory, queue, clock }: World): boolean {
  const now = clock.now();
  return (
    [...memory.accepted.values()].some(({ at }) => at < now - 32 * DAY) ||
    [...queue.noticed.values()].some(({ since }) => since < now - DAY || since > now)
  );
}

const pay: Act = async (world, random) => {
  if (world.queue.mails.length === 0) return act(world, random);
  const debts = world.queue.rows(({ recipient }) => recipient.owed !== undefined);
  const { mail, recipient } = random.pick(debts.length > 0 && !oneIn(8, random) ? debts : world.queue.rows());
  const kind = oneIn(6, random) ? random.pick(KINDS) : (recipient.owed ?? random.pick(KINDS));
  const also = mail.recipients.filter(() => oneIn(3, random)).map(({ n }) => n);
  const recipients = [...new Set([recipient.n, ...also])];
  const request = oneIn(2, random)
    ? { id: mail.mail.id, recipients, told: { kind, at: world.now(), why: "silence is right" } }
    : noticeOf(world, { id: mail.mail.id, recipients, kind, to: mail.mail.sender, random });
  const claims = tell(world.queue, request);
  assert.equal(await world.clients.work.told(request), claims !== undefined, "told");
  await world.hear(claims ?? []);
  return `told ${JSON.stringify({ ...request, notice: request.notice?.mail.id })}`;
};

interface NoticePlan extends Pick<ToldRequest, "id" | "recipients"> {
  readonly kind: DsnKind;
  readonly to: string;
  readonly random: Random;
}

function noticeOf(world: World, { id, recipients, kind, to, random }: NoticePlan): ToldRequest {
  const now = world.now();
  const notice = newMail(now, {
    id: world.nextId(),
    sender: "",
    recipients: [{ address: to, domain: DSN_DOMAIN }],
    topFields: "",
  });
  const told = { kind, at: now, notice: notice.id };
  return { id, recipients, told, notice: { mail: notice, body: smallBody(random) } };
}

const noteDelays: Act = async (world, random) => {
  const before = world.now() + 1 - anyTime(random);
  let after: DelayPlace | undefined;
  for (let more = true; more;) {
    const answer = await world.clients.work.delayed({ before, limit: 100, ...(after && { after }) });
    ({ more, place: after } = answer);
  }
  delay(world.queue, { before });
  await world.hear([]);
  return `note delays before ${before}`;
};

const learn: Act = async (world, random) => {
  const now = world.now();
  const notes = [0, 1, 2].map((): { address: string; note: Note } => {
    const at = now - random.below(HOUR);
    const origin = random.pick(["delivery", "callout"] as const);
    const note: Note = oneIn(2, random)
      ? { kind: "accepted", at, origin }
      : { kind: "refused", at, origin, reply: "550 no" };
    return { address: random.pick(ADDRESSES), note };
  });
  await world.clients.notes.call("learn", notes);
  world.memory.learn(
    notes.map(({ address, note }) => [address, note] as const),
    now,
  );
  return `learn ${notes.map(({ address, note }) => `${address} ${note.kind}`).join(", ")}`;
};

const see: Act = async (world, random) => {
  const now = world.now();
  const key = `client ${random.below(5)}`;
  const sighting = {
    firstAt: now - random.below(HOUR),
    passed: oneIn(2, random),
    until: now + anyTime(random),
  };
  await world.clients.notes.call("note", [{ key, ...sighting }]);
  world.memory.see(key, sighting, now);
  return `see ${key}`;
};

export const DECIDING: Acts = [
  [12, act],
  [7, age],
  [6, pay],
  [2, noteDelays],
  [4, learn],
  [1, see],
  [6, turnPage],
];
