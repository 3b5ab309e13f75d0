import type { ThreadPlan } from "../../src/runtime/threads.ts";
import type { FixtureData, Start } from "./thread-fixture.ts";

/**
 * The fixture thread, which starts as `start` says at that moment; `begun` becomes 1 when its own code runs. One that is
 * stuck goes on when the file `until` is there.
 */
export function fixturePlan(
  start: () => Start,
  begun: Uint8Array<ArrayBufferLike> = new Uint8Array(1),
  until?: string,
): ThreadPlan {
  const entry = new URL("./thread-fixture.ts", import.meta.url);
  const value = (): FixtureData => ({ start: start(), begun, ...(until !== undefined && { until }) });
  const data: ThreadPlan["data"] = () => ({ value: value(), moved: [] });
  return { name: "fixture", entry, nursery: 4, data, patience: 60_000 };
}
