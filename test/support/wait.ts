/** Waiting for something to become true, with a deadline; a test never just sleeps. */

interface Wait {
  /** What is waited for, for the message. */
  readonly what: string;
  /** Milliseconds. */
  readonly deadline: number;
  /** Milliseconds between two looks. */
  readonly every?: number;
}

/** Looks until `look` answers something other than undefined or false, and answers that. */
export async function waitFor<T>(
  wait: Wait,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const end = performance.now() + wait.deadline;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) throw new Error(`${wait.what}: not within ${wait.deadline} ms`);
    await pause(wait.every ?? 15);
  }
}

/** For polling and for the random moments of a proof, not for tests that hope. Milliseconds. */
export function pause(time: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, time);
  });
}
