/** `serve`: the daemon, until a signal stops it or it breaks. */
import { write } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { startDaemon, type Daemon } from "../app.ts";
import type { Config } from "../config/config.ts";
import { errorText } from "../runtime/log.ts";
import { readConfig } from "./read-config.ts";
import { takeNotifier } from "./tell-systemd.ts";
import { WRONG_USE } from "./wrong-use.ts";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;
/** Milliseconds that writing the last message to standard error may take. */
const LAST_WORDS = 1000;

/** Runs the daemon and returns the exit code when it has ended. */
export async function serve(path: string | undefined): Promise<number> {
  const config = readConfig(path);
  if (config === undefined) return WRONG_USE;
  const tellReady = takeNotifier(process.env);
  const daemon = await start(config);
  if (daemon === undefined) return 1;
  // holdfast.js ignores a SIGHUP that comes earlier.
  process.on("SIGHUP", () => void daemon.reload().catch(complainOf("the configuration was not reloaded")));
  void tellReady().catch(complainOf("systemd could not be told that mail is accepted"));
  return end(daemon);
}

/** Starts the daemon; returns undefined after it has reported a failure. */
async function start(config: Config): Promise<Daemon | undefined> {
  try {
    return await startDaemon(config);
  } catch (error) {
    await endStuck(error, `holdfast: ${troubleText(error)}\n`);
    return undefined;
  }
}

/** Waits until a signal stops the daemon (a second one ends it at once) or it breaks; returns the exit code. */
function end(daemon: Daemon): Promise<number> {
  const ended = Promise.withResolvers<number>();
  for (const signal of SIGNALS) {
    process.once(signal, () => {
      for (const second of SIGNALS) process.once(second, () => endHard(second));
      daemon.stop().then(
        () => ended.resolve(0),
        async (error: unknown) => {
          await endStuck(error, `holdfast: it did not stop in good order: ${troubleText(error)}\n`);
          ended.resolve(1);
        },
      );
    });
  }
  void daemon.broken.then(() => ended.resolve(1));
  return ended.promise;
}

/**
 * Reports the error. If a thread or a write hangs in a system call, such as one to a dead disk, a normal exit would
 * wait for it, so the process kills itself.
 */
async function endStuck(error: unknown, text: string): Promise<void> {
  if (!isStuck(error)) return void process.stderr.write(text);
  // If the reader of the log hangs, standard error may hang as well.
  const told = promisify(write)(2, text).catch(() => undefined);
  await Promise.race([told, pause(LAST_WORDS)]);
  endHard("SIGKILL");
}

function isStuck(error: unknown): boolean {
  if (error instanceof SuppressedError) return isStuck(error.error) || isStuck(error.suppressed);
  return (error as { readonly stuck?: unknown }).stuck === true;
}

/** Ends the process. The exit is for process 1 of a container, which a signal of its own does not kill. */
function endHard(signal: NodeJS.Signals): never {
  // Otherwise our own listener would get the signal.
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  process.exit(1);
}

function complainOf(what: string): (error: unknown) => void {
  return (error) => void process.stderr.write(`holdfast: ${what}: ${troubleText(error)}\n`);
}

/** Returns the message of an expected error, or the stack of a bug. */
function troubleText(error: unknown): string {
  // The first error, then the one during the cleanup; they are often the same.
  if (error instanceof SuppressedError)
    return [...new Set([error.suppressed, error.error].map(troubleText))].join("; ");
  const expected = error instanceof Error && error.name !== "Error" && error.name !== "TypeError";
  return expected || !(error instanceof Error) ? errorText(error) : (error.stack ?? error.message);
}
