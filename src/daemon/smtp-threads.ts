/** What the main thread tells all SMTP threads, and asks them. */
import type { SmtpThread } from "../threads/crew.ts";
import type { SmtpControl } from "../threads/smtp-thread.ts";
import type { Explanation, ExplainRequest } from "../ports/explanation.ts";
import { type Argument, unlessEnded } from "../runtime/channel.ts";
import type { Clock } from "../runtime/clock.ts";
import type { LoopDelay } from "../runtime/loop-delay.ts";
import { withinSteps } from "../runtime/within-steps.ts";
import { TO_TELL } from "./known-primaries.ts";

/**
 * Calls a method of all SMTP threads. Rejects if it fails in one of them. A thread that is being restarted begins with
 * the settings then in effect.
 */
export async function tellAll<K extends keyof SmtpControl>(
  threads: readonly SmtpThread[],
  what: K,
  ...argument: Argument<SmtpControl[K]>
): Promise<void> {
  await Promise.all(threads.map((thread) => thread.tell(what, ...argument)));
}

/**
 * Tells the ready threads which domains hold more than their quota; called every few seconds. Waits for no thread: one
 * that hangs would delay the others' next update.
 */
export function tellFull(domains: readonly string[], threads: readonly SmtpThread[]): void {
  for (const { current } of threads) current?.control.call("full", domains).catch(() => undefined);
}

/** Returns the event loop delays since the previous call, by thread name; a thread that hangs is left out. */
export async function loopDelays(
  threads: readonly SmtpThread[],
  clock: Clock,
): Promise<ReadonlyMap<string, LoopDelay>> {
  const asked = threads.map(async (thread, n) => {
    const told = thread.current?.control.call("loopDelay").catch(() => undefined);
    const delay = told && (await withinSteps(TO_TELL, told, clock));
    return delay === undefined || delay === "late" ? [] : ([[`smtp-${n + 1}`, delay]] as const);
  });
  return new Map((await Promise.all(asked)).flat());
}

/**
 * Asks the SMTP thread that first shows that it takes turns; undefined if none does within 4 s. Only that thread is
 * asked, because an explanation queries the DNS.
 */
export async function explainBy(
  threads: readonly SmtpThread[],
  request: ExplainRequest,
  clock: Clock,
): Promise<Explanation | undefined> {
  const awake = threads.flatMap(({ current }) => current?.answers().then(() => current) ?? []);
  const first = Promise.any(awake).catch(() => undefined);
  const thread = await withinSteps(TO_TELL, first, clock);
  if (thread === undefined || thread === "late") return undefined;
  return thread.control.call("explain", request).catch(unlessEnded);
}

/**
 * Ends all threads; a DATA in progress may take `grace` ms longer. Once all have ended, rejects if one did not end
 * properly.
 */
export async function endAll(threads: readonly SmtpThread[], grace: number): Promise<void> {
  const ended = await Promise.allSettled(threads.map((thread) => thread.end("stop", { grace })));
  for (const each of ended) if (each.status === "rejected") throw each.reason;
}
