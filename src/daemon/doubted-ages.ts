/**
 * A daemon that starts may have a clock that is ahead: the battery of the machine is empty, and nobody has set it yet.
 * To such a clock all mail is old. It is not seen by a leap, as while the daemon runs, but by the files of the folder:
 * by that clock nobody has written them for long. Where that is true, the machine was off, and old mail should be tried
 * once more before it is given up.
 */
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";

const DAY = 86_400_000;
/** A daemon that runs writes something in this time, if only at its start; ms. */
const UNUSED = 2 * DAY;

/** Answers for how many ms from then on nothing ends because it is old. `lastUsed`: when the folder was written last. */
export function doubtedAges(
  lastUsed: number | undefined,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): () => number {
  const begun = clock.elapsed();
  const unused = lastUsed === undefined ? 0 : Math.round(clock.now() - lastUsed);
  if (unused < UNUSED) return () => 0;
  log.warn("clock.doubted", {
    unused,
    right:
      "check the clock of this machine: according to it, the data folder was unused for long; so no mail expires for a day",
  });
  return () => Math.max(0, begun + DAY - clock.elapsed());
}
