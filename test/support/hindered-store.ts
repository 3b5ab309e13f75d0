import type { Bench } from "./delivery-bench.ts";

const ASKED = ["claim", "settle", "wake", "unhold", "due", "accepted", "work"] as const;

interface Hindrance {
  /** How long it waits before it asks, and again before it answers, in ms; 0: not at all. */
  readonly delay: () => number;
  /** It rejects before anything was done. */
  readonly fails: () => boolean;
}

/** Has the store of a bench be slow, or fail, from here on; both are looked at anew for each question. */
export function hinderStore({ store, clock }: Bench, { delay, fails }: Hindrance): void {
  const hindered = store as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
  const wait = async (): Promise<void> => {
    const milliseconds = delay();
    if (milliseconds > 0) await new Promise<void>((resolve) => void clock.after(milliseconds, resolve));
  };
  for (const name of ASKED) {
    const work = hindered[name]?.bind(store);
    hindered[name] = async (...given) => {
      await wait();
      if (fails()) throw new Error("the store fails");
      const answer = await work?.(...given);
      await wait();
      return answer;
    };
  }
}
