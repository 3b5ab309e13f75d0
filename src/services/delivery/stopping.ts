import type { Clock } from "../../runtime/clock.ts";
import type { Lane } from "./lane.ts";

/** Milliseconds for mails in conversation that are not past their final dot. */
const BEFORE_DOT = 2_000;
/** Milliseconds for the replies to final dots; afterwards those mails stay unconfirmed. */
const AFTER_DOT = 30_000;

/** Ends all conversations within 30 s; what has not begun is given back at once. */
export async function stopLanes(lanes: readonly Lane[], clock: Clock): Promise<void> {
  const abort = (all: boolean): void => lanes.forEach((lane) => lane.abort(all));
  const first = clock.after(BEFORE_DOT, () => abort(false));
  const last = clock.after(AFTER_DOT, () => abort(true));
  await Promise.all(lanes.map((lane) => lane.retire()));
  first.cancel();
  last.cancel();
}
