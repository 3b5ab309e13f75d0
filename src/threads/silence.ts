/** What the daemon does when a thread no longer answers. */
import { writeSilence } from "../adapters/storage/sqlite/sqlite.ts";
import type { Journal } from "../ports/journal.ts";
import type { Clock } from "../runtime/clock.ts";
import { followPulse, SILENCE } from "../runtime/pulse.ts";
import type { Thread } from "../runtime/threads.ts";

export function tellSilence(journal: Journal, thread: string): void {
  journal.record({ kind: "thread.silent", thread, silence: SILENCE });
}

interface StorageParts {
  readonly shared: SharedArrayBuffer;
  readonly sink: Journal;
  readonly clock: Clock;
}

/**
 * Watches the storage thread. If the disk does not answer, restarting the thread would not help: until it answers
 * again, new mail is refused and the operator is alerted.
 */
export function followStorage(
  { answers }: Pick<Thread<never>, "answers">,
  { shared, sink, clock }: StorageParts,
): void {
  const silent = (): void => {
    writeSilence(shared, true);
    tellSilence(sink, "storage");
  };
  const back = (silence: number): void => {
    writeSilence(shared, false);
    sink.record({ kind: "thread.answers", thread: "storage", silence });
  };
  void followPulse({ answers, silent, back }, clock);
}
