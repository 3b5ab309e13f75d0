import type { JournalEvent } from "../../ports/journal.ts";
import type { AdminContext, AdminParts } from "./parts.ts";

type Act = Omit<Extract<JournalEvent, { kind: "operator.acted" }>, "kind" | "who" | "count">;

/** Records in the journal what the caller did; `count` is the number of things changed, 1 by default. */
export function recordAct(
  c: AdminContext,
  { journal }: Pick<AdminParts, "journal">,
  act: Act & { readonly count?: number },
): void {
  journal.record({ kind: "operator.acted", who: c.get("caller").who, count: 1, ...act });
}
