/**
 * A daemon in a process of its own whose clock is moved, and whose threads are ended, by messages. The first message
 * says where its clock stands, so that time goes on over a restart.
 */
import { enableCompileCache } from "node:module";
import { watchThreads } from "./thread-watch.ts";

enableCompileCache();

/** Milliseconds by which time was moved, and the wall clock was set, all in all. */
interface ClockStands {
  readonly moved: number;
  readonly set: number;
}

export type ToClocked = { readonly clock: ClockStands } | { readonly end: string };

const threads = watchThreads();
const { startDaemon } = await import("../../src/app.ts");
const { formatProblem, loadConfig } = await import("../../src/config/config.ts");
const { clockOffset } = await import("../../src/runtime/clock.ts");

const offset = clockOffset();
const first = Promise.withResolvers<void>();

process.on("message", (message: ToClocked) => {
  if ("end" in message) return void threads.named(message.end).at(-1)?.terminate();
  Atomics.store(offset, 0, BigInt(message.clock.moved));
  Atomics.store(offset, 1, BigInt(message.clock.set));
  first.resolve();
});

await first.promise;
const loaded = loadConfig(process.argv.at(-1) ?? "");
if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
const daemon = await startDaemon(loaded.config, offset).catch((error: unknown) => {
  process.stderr.write(`it did not start: ${String(error)}\n`);
  process.exit(1);
});
process.once("SIGTERM", () => {
  daemon.stop().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`it did not stop in good order: ${String(error)}\n`);
      process.exit(1);
    },
  );
});
await daemon.broken;
process.exit(1);
