import type { ThreadPlan } from "../../src/runtime/threads.ts";
import type { FixtureData, Start } from "./thread-fixture.ts";

/** The fixture thread, which starts as `start` says at that moment; `begun` becomes 1 when its own code runs. */
export function fixturePlan(
  start: () => Start,
  begun: Uint8Array<ArrayBufferLike> = new Uint8Array(1),
): ThreadPlan {
  const entry = new URL("./thread-fixture.ts", import.meta.url);
  const value = (): FixtureData => ({ start: start(), begun });
  const data: ThreadPlan["data"] = () => ({ value: value(), moved: [] });
  return { name: "fixture", entry, nursery: 4, data, patience: 60_000 };
}
