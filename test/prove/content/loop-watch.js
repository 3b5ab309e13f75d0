/**
 * Loaded into every thread of a daemon by `--import`: notes the longest time that a thread's event loop gave to one
 * stretch of work, in a file for each thread. Counted is the thread's own CPU time between two looks, no more than
 * the time between them: what other programs of a busy machine took is no fault of ours. Plain JavaScript, because taking types off would need
 * a compiler in each thread.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { threadId } from "node:worker_threads";

/** Milliseconds between two looks. */
const LOOK = 10;

const folder = process.env["HOLDFAST_LOOP_WATCH"];
if (folder !== undefined) watch(folder);

function watch(into) {
  let cpu = process.threadCpuUsage();
  let wall = performance.now();
  let longest = 0;
  let noted = 0;
  let armed = false;
  // The start, with all that is loaded then, does not count.
  const arming = setInterval(() => {
    armed = existsSync(join(into, "armed"));
    if (armed) clearInterval(arming);
  }, 100).unref();
  setInterval(() => {
    const [now, used] = [performance.now(), process.threadCpuUsage(cpu)];
    if (armed) longest = Math.max(longest, Math.min(now - wall, (used.user + used.system) / 1000));
    cpu = process.threadCpuUsage();
    wall = now;
    if (longest <= noted) return;
    noted = longest;
    writeFileSync(join(into, `${process.pid}-${threadId}`), String(longest));
  }, LOOK).unref();
}
