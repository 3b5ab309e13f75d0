/** What the delivery thread does: claims, by request and by credit, and settlements, good and bad ones. */
import { strict as assert } from "node:assert";
import type { Outcome } from "../../../src/mail/outcome.ts";
import { DSN_DOMAIN } from "../../../src/ports/dsn.ts";
import type { Settlement, SettleRequest } from "../../../src/ports/work-store.ts";
import type { Random } from "../../support/random.ts";
import { DEFERRED, DELIVERED, RELEASED, UNCONFIRMED, sha256 } from "../../contract/mails.ts";
import type { Act, Acts } from "./act.ts";
import { anyKey, anyTime, DOMAINS, KEYS, oneIn, PLACES } from "./choices.ts";
import { unhold, wake } from "./verbs.ts";
import { type Claim, compareBody, type World } from "./world.ts";

const REFUSED: Outcome = { kind: "refused", reply: { code: 550, enhanced: "5.1.1", text: "no such user" } };
const DAMAGED: Outcome = { kind: "damaged", why: "its body has another checksum" };

type Ending = Omit<Settlement, "n" | "dueAt"> & { readonly comesAgain?: true };

/** What an attempt may lead to, as the delivery thread has it. */
const ENDINGS: readonly Ending[] = [
  { outcome: DELIVERED, state: "gone", reason: "delivered" },
  { outcome: DELIVERED, state: "gone", reason: "delivered", owes: "relayed" },
  { outcome: DEFERRED, state: "waiting", comesAgain: true },
  { outcome: RELEASED, state: "waiting" },
  { outcome: REFUSED, state: "parked", reason: "refused", owes: "failed" },
  { outcome: REFUSED, state: "parked", reason: "content", owes: "failed" },
  { outcome: REFUSED, state: "held", reason: "probation" },
  { outcome: UNCONFIRMED, state: "unconfirmed", reason: "unconfirmed", comesAgain: true },
  { outcome: UNCONFIRMED, state: "held", reason: "unconfirmed" },
  { outcome: DAMAGED, state: "held", reason: "damaged" },
];

const claim: Act = async (world, random) => {
  const { queue, clients } = world;
  const now = world.now() + (oneIn(4, random) ? anyTime(random) : 0);
  const key = anyKey(queue, now, random);
  const id = oneIn(5, random) && queue.mails.length > 0 ? random.pick(queue.mails).mail.id : undefined;
  const request = { domain: key, limit: random.below(4), now, ...(id !== undefined && { id }) };
  const expected = queue.claimable(request);
  await world.take(await clients.work.claim(request), expected, now);
  await world.hear([]);
  return `claim ${JSON.stringify(request)}: ${expected.map(({ mail }) => mail.mail.id).join(",")}`;
};

const grant: Act = async (world, random) => {
  const domain = random.pick(DOMAINS);
  const credits = random.below(4);
  world.clients.work.grant(domain, credits);
  world.queue.credits.set(domain, credits);
  await world.hear([]);
  return `grant ${domain} ${credits}`;
};

const settle: Act = async (world, random) => {
  if (world.claims.length === 0) return claim(world, random);
  const told = await settleOne(world, random);
  await world.hear([]);
  return told;
};

/** An attempt is closed, or a part of it, whatever else goes on. */
export async function settleOne(world: World, random: Random): Promise<string> {
  if (world.claims.length === 0) return "nothing to settle";
  const held = random.pick(world.claims);
  const request = requestFor(world, held, random);
  await compareBody(held);
  assert.equal(await world.clients.work.settle(request), true);
  assert.equal(world.queue.settle(request), true);
  noteDelivered(world, held, request);
  forgetSettled(world, held);
  return `settle ${textOf(request)}`;
}

/** All that was claimed goes back as it was. */
const giveBack: Act = async (world) => {
  for (const held of world.claims.splice(0)) {
    const open = openOf(world, held);
    const recipients = open.map((n) => ({
      n,
      outcome: RELEASED,
      state: "waiting" as const,
      dueAt: world.now(),
    }));
    const request = { id: held.mail.id, token: held.mail.token, recipients, now: world.now() };
    assert.equal(await world.clients.work.settle(request), true);
    assert.equal(world.queue.settle(request), true);
    world.past.push(held);
  }
  await world.hear([]);
  return "give all claims back";
};

/** A claim that was lost, somebody else's recipient, one twice, another's token: nothing is written. */
const settleWrongly: Act = async (world, random) => {
  const held = [...world.claims, ...world.past];
  if (held.length === 0) return grant(world, random);
  const { mail } = random.pick(held);
  const recipients = mail.recipients.map(({ n }) => ({ n, outcome: RELEASED, state: "waiting" as const }));
  const request = { id: mail.id, token: mail.token, recipients, now: world.now() };
  const twice = [...recipients, ...recipients];
  const wrong = random.pick<SettleRequest>([
    request,
    { ...request, token: random.pick(held).mail.token },
    { ...request, id: random.pick(held).mail.id },
    { ...request, recipients: twice },
    { ...request, recipients: [...recipients, { n: 99, outcome: RELEASED, state: "waiting" }] },
  ]);
  if (isOpen(world, wrong)) return grant(world, random);
  assert.equal(await world.clients.work.settle(wrong), false);
  await world.hear([]);
  return `settle wrongly ${textOf(wrong)}`;
};

const settleIllegally: Act = async (world, random) => {
  if (world.claims.length === 0) return claim(world, random);
  const { mail } = random.pick(world.claims);
  const [n] = openOf(world, { mail });
  const recipients = [{ n: n ?? 0, outcome: DEFERRED, state: "claimed" as const }];
  await assert.rejects(
    world.clients.work.settle({ id: mail.id, token: mail.token, recipients, now: world.now() }),
  );
  await world.hear([]);
  return `settle ${mail.id} with an illegal move`;
};

const makeDue: Act = async (world, random) => {
  const keys = [random.pick(KEYS), random.pick(KEYS)];
  await world.clients.work.wake(keys);
  wake(world.queue, keys, world.now());
  await world.hear([]);
  return `wake ${keys.join(",")}`;
};

const letGo: Act = async (world, random) => {
  const domain = oneIn(2, random) ? random.pick(KEYS) : undefined;
  const limit = oneIn(2, random) ? 1 + random.below(3) : undefined;
  const now = world.now();
  const request = { now, ...(domain !== undefined && { domain }), ...(limit !== undefined && { limit }) };
  assert.deepEqual(await world.clients.work.unhold(request), unhold(world.queue, request));
  await world.hear([]);
  return `unhold ${JSON.stringify(request)}`;
};

const noteTls: Act = async (world, random) => {
  const place = random.pick(PLACES);
  const encrypted = oneIn(2, random);
  await world.clients.work.rememberTls(place, encrypted);
  if (encrypted) world.memory.encrypted.add(place);
  else world.memory.encrypted.delete(place);
  return `${place} spoke ${encrypted ? "TLS" : "in clear"}`;
};

/** A settlement of a claim, or of a part of it. */
export function requestFor(world: World, held: Claim, random: Random): SettleRequest {
  const { mail, body } = held;
  const open = openOf(world, held);
  const some = open.filter((_, i) => i === 0 || oneIn(2, random));
  const now = world.now();
  const recipients = (oneIn(3, random) ? some : open).map((n) => settlementFor(n, { mail, now, random }));
  const talked = oneIn(4, random) ? {} : { destination: random.pick(PLACES) };
  const hashed = oneIn(3, random) ? {} : { hash: sha256(body) };
  return { id: mail.id, token: mail.token, recipients, now, ...talked, ...hashed };
}

function settlementFor(
  n: number,
  { mail, now, random }: Pick<Claim, "mail"> & { readonly now: number; readonly random: Random },
): Settlement {
  const { comesAgain, owes, ...ending } = random.pick(ENDINGS);
  const isNotice = mail.domain.startsWith(DSN_DOMAIN);
  return {
    n,
    ...ending,
    ...(comesAgain === true && { dueAt: now + anyTime(random) }),
    ...(owes !== undefined && !isNotice && { owes }),
  };
}

/** Which of its recipients a claim still holds. */
function openOf({ queue }: World, { mail }: Pick<Claim, "mail">): readonly number[] {
  const recipients = queue.find(mail.id)?.recipients ?? [];
  return recipients.filter(({ token }) => token === mail.token).map(({ n }) => n);
}

/** The store must believe it. */
function isOpen(world: World, { id, token, recipients }: SettleRequest): boolean {
  const open = (world.queue.find(id)?.recipients ?? []).filter((recipient) => recipient.token === token);
  const named = new Set(recipients.map(({ n }) => n));
  return (
    named.size === recipients.length && [...named].every((n) => open.some((recipient) => recipient.n === n))
  );
}

/** What a primary took teaches. */
export function noteDelivered(world: World, held: Claim, { recipients, now }: SettleRequest): void {
  for (const { n, reason } of recipients)
    if (reason === "delivered") world.memory.delivered(addressOf(held, n), now);
}

export function forgetSettled(world: World, held: Claim): void {
  if (openOf(world, held).length > 0) return;
  world.claims = world.claims.filter((other) => other !== held);
  world.past.push(held);
}

function addressOf({ mail }: Claim, n: number): string {
  return mail.recipients.find((recipient) => recipient.n === n)?.address ?? assert.fail(`no recipient ${n}`);
}

function textOf({ id, token, recipients }: SettleRequest): string {
  const parts = recipients.map(({ n, outcome, state, reason }) => `${n} ${outcome.kind} ${state} ${reason}`);
  return `${id} by ${token}: ${parts.join(", ")}`;
}

export const HANDING_OVER: Acts = [
  [12, claim],
  [4, grant],
  [18, settle],
  [1, giveBack],
  [2, settleWrongly],
  [1, settleIllegally],
  [1, makeDue],
  [2, letGo],
  [1, noteTls],
];
