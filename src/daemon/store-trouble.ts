/** Remembers the store's last reported trouble, for status requests. */
import type { JournalSink } from "../adapters/journal/journal.ts";

/** Returns a function that says why the store is not well, and what an operator must do; undefined while it is well. */
export function followStoreTrouble(sink: Pick<JournalSink, "subscribe">): () => string | undefined {
  let trouble: string | undefined;
  let silence: string | undefined;
  let damage: string | undefined;
  sink.subscribe((event) => {
    if (event.kind === "thread.silent" && event.thread === "storage")
      silence =
        "the storage thread does not answer, most likely because the disk does not; no mail is accepted or delivered";
    if (event.kind === "thread.answers") silence = undefined;
    if (event.kind === "store.condition") trouble = event.condition === "ok" ? undefined : event.why;
    const [finding] = event.kind === "store.checked" ? event.findings : [];
    if (finding !== undefined)
      damage = `the database is damaged (${finding}); docs/operating.md says how to save what can be read`;
  });
  return () => silence ?? trouble ?? damage;
}
