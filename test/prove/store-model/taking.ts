/** New mail: one at a time, many in one commit with bad ones among them, and bodies that nobody accepts. */
import { strict as assert } from "node:assert";
import type { Accepted, BodyWriter, Intake, NewMail } from "../../../src/ports/intake.ts";
import { shortened } from "../../../src/mail/reply.ts";
import { fillBody } from "../../contract/mails.ts";
import type { Random } from "../../support/random.ts";
import type { Act, Acts } from "./act.ts";
import { anyBody, anyMail, oneIn, smallBody } from "./choices.ts";
import { settleOne } from "./handing-over.ts";
import { wholeList } from "./compare.ts";
import type { Claimable } from "./queue-model.ts";
import type { World } from "./world.ts";

const MOST_TOGETHER = 8;
/** In ms. */
const COMPACTED_EACH = 60_000;

/** A mail that is to be accepted, with its body as it was sent. */
export interface Arrival {
  readonly mail: NewMail;
  readonly body: Buffer;
  readonly written: BodyWriter;
}

const acceptOne: Act = async (world, random) => {
  const intake = world.clients.intake(random.below(2));
  const arrival = await arrive(world, intake, { random, body: anyBody(random) });
  const claims = expectAccepted(world, arrival, await intake.accept(arrival.mail, arrival.written));
  await world.hear(claims);
  return `accept ${textOf(arrival)}`;
};

/** Small ones, so that they reach the store in the order in which they were sent. */
const acceptMany: Act = async (world, random) => {
  const intake = world.clients.intake(random.below(2));
  const arrivals: Arrival[] = [];
  for (let i = 2 + random.below(MOST_TOGETHER - 1); i > 0; i--) {
    const arrival = await arrive(world, intake, { random, body: smallBody(random) });
    const { mail } = random.pick(arrivals.length > 0 ? arrivals : [arrival]);
    arrivals.push(oneIn(6, random) ? { ...arrival, mail: { ...arrival.mail, id: mail.id } } : arrival);
  }
  const answers = await Promise.all(arrivals.map(({ mail, written }) => intake.accept(mail, written)));
  await world.hear(arrivals.flatMap((arrival, i) => expectAccepted(world, arrival, answers[i] as Accepted)));
  return `accept together ${arrivals.map(textOf).join("; ")}`;
};

/**
 * Whose bodies become durable at their own pace: only the store knows the order in which they came. Beside them an
 * attempt is closed, and segments may be compacted.
 */
const acceptLarge: Act = async (world, random) => {
  if ([...world.queue.credits.values()].some((credits) => credits > 0)) return acceptOne(world, random);
  const thread = random.below(2);
  if (oneIn(3, random)) world.clock.advance(COMPACTED_EACH);
  const arrivals: Arrival[] = [];
  for (let i = 2 + random.below(MOST_TOGETHER - 1); i > 0; i--)
    arrivals.push(await arrive(world, world.clients.intake(thread + i), { random, body: anyBody(random) }));
  const accepting = arrivals.map(({ mail, written }, i) =>
    world.clients.intake(thread + arrivals.length - i).accept(mail, written),
  );
  const settled = await settleOne(world, random);
  const answers = await Promise.all(accepting);
  assert.ok(answers.every(({ kind }) => kind === "accepted"));
  const items = await wholeList(world, { filter: {}, limit: 1000 });
  const places = new Map(items.map(({ id }, i) => [id, i]));
  for (const { mail, body } of arrivals.toSorted((a, b) => placeOf(a, places) - placeOf(b, places)))
    world.queue.store(mail, body);
  await world.hear([]);
  return `accept at once ${arrivals.map(textOf).join("; ")}; ${settled}`;
};

function placeOf({ mail }: Arrival, places: ReadonlyMap<string, number>): number {
  return places.get(mail.id) ?? assert.fail(`${mail.id} is not listed`);
}

/** A client goes away in the midst of its body, or after it. */
const abort: Act = async (world, random) => {
  const intake = world.clients.intake(random.below(2));
  const body = anyBody(random);
  (await fillBody(intake, body, 1 + random.below(600))).abort();
  await world.hear([]);
  return `abort a body of ${body.length} octets`;
};

const refused: Act = async (world, random) => {
  const intake = world.clients.intake(0);
  const arrival = await arrive(world, intake, { random, body: anyBody(random) });
  const known = world.queue.mails.length > 0 && oneIn(2, random);
  const bad = known
    ? { ...arrival.mail, id: random.pick(world.queue.mails).mail.id }
    : { ...arrival.mail, deadline: world.now() - 1 };
  assert.deepEqual(await intake.accept(bad, arrival.written), {
    kind: "refused",
    why: known ? "row" : "late",
  });
  await world.hear([]);
  return `refuse ${textOf({ ...arrival, mail: bad })}`;
};

export async function arrive(
  world: World,
  intake: Intake,
  { random, body }: { readonly random: Random; readonly body: Buffer },
): Promise<Arrival> {
  const mail = anyMail(world.nextId(), world.now(), random);
  return { mail, body, written: await fillBody(intake, body, 1 + random.below(600)) };
}

function expectAccepted({ queue }: World, { mail, body }: Arrival, answer: Accepted): readonly Claimable[] {
  const known = queue.find(mail.id) !== undefined;
  assert.deepEqual(answer, known ? { kind: "refused", why: "row" } : { kind: "accepted" });
  return known ? [] : queue.store(mail, body);
}

export function textOf({ mail, body }: Pick<Arrival, "mail" | "body">): string {
  const recipients = shortened(mail.recipients.map(({ address }) => address).join(","), 100);
  const aside = mail.quarantine === undefined ? "" : ", quarantine";
  return `${mail.id} to ${recipients}, ${body.length} octets${aside}`;
}

export const TAKING: Acts = [
  [10, acceptOne],
  [4, acceptMany],
  [4, acceptLarge],
  [2, abort],
  [1, refused],
];
