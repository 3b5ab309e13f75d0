/**
 * Checks whether a thread still takes turns of its event loop. A thread in an endless loop, or in a system call that
 * does not return, gives no sign: no error, no exit. So each thread is asked from time to time; any answer shows that
 * it takes turns.
 */
import type { Clock } from "./clock.ts";
import { withinSteps } from "./within-steps.ts";

/** Ms between an answer and the next question. */
const REST = 10_000;
/** Ms without an answer after which a thread counts as silent; the longest normal turn takes a few seconds. */
export const SILENCE = 60_000;

interface Pulse {
  /** Resolves when the thread takes a turn; rejects once it has ended. */
  readonly answers: () => Promise<unknown>;
  /** Called when the thread has not answered for `patience`. */
  readonly silent: () => void;
  /** Called when it answers after all, with the ms since it was asked. */
  readonly back?: (after: number) => void;
  /** Ms between an answer and the next question. */
  readonly rest?: number;
  /** Ms without an answer after which it counts as silent. */
  readonly patience?: number;
}

/** Follows one life of a thread; resolves after its end. */
export async function followPulse(pulse: Pulse, clock: Clock): Promise<void> {
  const { answers, silent, back, rest = REST, patience = SILENCE } = pulse;
  for (;;) {
    await new Promise<void>((resolve) => void clock.after(rest, resolve));
    const asked = clock.elapsed();
    const answer = answers().then(
      () => true,
      () => false,
    );
    if ((await withinSteps(patience, answer, clock)) === "late") {
      silent();
      if (await answer) back?.(clock.elapsed() - asked);
    }
    if (!(await answer)) return;
  }
}
