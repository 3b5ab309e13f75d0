/** One scanner after the other fails in every way: what becomes of mail is what its domain wants, and nothing is lost. */
import type { Answered, Wish, World } from "./world.ts";
import { markOf, plainMail } from "./mails.ts";
import type { Trouble, Victim, Victims } from "./victims.ts";
import { waitFor } from "../../support/wait.ts";

interface TroublePlan {
  readonly victims: Victims;
  /** Octets of each mail that is sent in trouble. */
  readonly sizes: readonly number[];
  /** Three failures in a row send a scanner to rest, and everybody waits for it: fewer wishes are quicker. */
  readonly wishes: Readonly<Record<Victim["name"], readonly Wish[]>>;
  readonly say: (line: string) => void;
}

interface TroubleTally {
  troubles: number;
  sent: number;
  deferred: number;
  tagged: number;
  quarantined: number;
  arrived: number;
  slowest: number;
  readonly failures: string[];
}

/** Nobody waits longer after his final dot, in ms. */
const LONGEST = 30_000;
/** Milliseconds. */
const RECOVERY = 90_000;
const WANTED: Readonly<Record<Wish, number>> = { defer: 451, tag: 250, quarantine: 250 };

interface Sent {
  readonly mark: string;
  readonly wish: Wish;
  readonly body: Buffer;
  readonly answer: Answered;
}

export async function showTroubles(world: World, plan: TroublePlan): Promise<TroubleTally> {
  const tally: TroubleTally = {
    troubles: 0,
    sent: 0,
    deferred: 0,
    tagged: 0,
    quarantined: 0,
    arrived: 0,
    slowest: 0,
    failures: [],
  };
  const all: Sent[] = [];
  for (const victim of [plan.victims.clamav, plan.victims.rspamd])
    for (const trouble of victim.troubles) {
      all.push(...(await suffer(world, { victim, trouble, ...plan }, tally)));
      plan.say(`${victim.name} ${trouble}: slowest reply so far after ${Math.round(tally.slowest)} ms`);
    }
  await compare(world, all, tally);
  return tally;
}

async function suffer(
  world: World,
  { victim, trouble, sizes, wishes }: TroublePlan & { readonly victim: Victim; readonly trouble: Trouble },
  tally: TroubleTally,
): Promise<Sent[]> {
  tally.troubles += 1;
  await victim.cause(trouble);
  const plans = wishes[victim.name].flatMap((wish) => sizes.map((size) => ({ wish, size })));
  const sending = plans.map(async ({ wish, size }): Promise<Sent> => {
    const mark = `${victim.name}-${trouble.replaceAll(" ", "-")}-${wish}-${size}`;
    const body = plainMail(mark, size);
    return { mark, wish, body, answer: await world.send(wish, body) };
  });
  const sent = await Promise.all(sending).finally(() => victim.heal());
  for (const { mark, wish, answer } of sent) {
    tally.sent += 1;
    tally.slowest = Math.max(tally.slowest, answer.took);
    if (answer.code !== WANTED[wish]) tally.failures.push(`${mark}: ${answer.text}`);
    if (answer.took > LONGEST) tally.failures.push(`${mark} was answered after ${answer.took} ms`);
    if (answer.code === 451) tally.deferred += 1;
  }
  // Who was put off comes again.
  for (const { wish, body, answer } of sent)
    if (answer.code === 451) await world.insist(wish, body, RECOVERY);
  tally.quarantined += await world.release();
  return sent;
}

/** Each mail is at the primary once, octet for octet below our fields. */
async function compare(world: World, sent: readonly Sent[], tally: TroubleTally): Promise<void> {
  const wait = { what: "all mail is at the primary", deadline: 60_000 };
  await waitFor(wait, () => world.primary.mails.length >= sent.length).catch((error: unknown) =>
    tally.failures.push(String(error)),
  );
  const left = new Map(sent.map((mail) => [mail.mark, mail]));
  for (const { data } of world.primary.mails) {
    const mark = markOf(data) ?? "no mark";
    const mail = left.get(mark);
    left.delete(mark);
    if (mail === undefined) {
      tally.failures.push(`${mark} arrived twice, or was never sent`);
      continue;
    }
    tally.arrived += 1;
    const top = data.subarray(0, data.length - mail.body.length).toString("latin1");
    if (!data.subarray(-mail.body.length).equals(mail.body)) tally.failures.push(`${mark} was changed`);
    if (/^X-Holdfast-(?:Virus|Spam): not scanned/m.test(top)) tally.tagged += 1;
    else if (mail.wish === "tag") tally.failures.push(`${mark} has no tag: ${top}`);
    const set = /^X-Holdfast-Quarantine: not scanned/m.test(top);
    if (set !== (mail.wish === "quarantine")) tally.failures.push(`${mark}: ${top}`);
  }
  for (const mark of left.keys()) tally.failures.push(`${mark} is lost`);
}
