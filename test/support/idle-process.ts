/** A process that does nothing but see how late its event loop is: what the machine keeps from everybody. */
import { LoopWatch } from "../../src/runtime/loop-delay.ts";

const watch = new LoopWatch();
process.on("message", () => process.send?.(watch.take().max));
process.on("disconnect", () => process.exit());
