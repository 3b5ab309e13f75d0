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
/** Milliseconds that standard error may take for them. */
const LAST_WORDS = 1000;

/** Answers the exit code, when the daemon has ended. */
export async function serve(path: string | undefined): Promise<number> {
  const config = readConfig(path);
  if (config === undefined) return WRONG_USE;
  const tellReady = takeNotifier(process.env);
  const daemon = await start(config);
  if (daemon === undefined) return 1;
  // holdfast.js has made one that comes before this harmless.
  process.on("SIGHUP", () => void daemon.reload().catch(complainOf("the configuration was not reloaded")));
  void tellReady().catch(complainOf("systemd could not be told that mail is accepted"));
  return end(daemon);
}

/** The daemon, or undefined after the trouble was told. */
async function start(config: Config): Promise<Daemon | undefined> {
  try {
    return await startDaemon(config);
  } catch (error) {
    await endStuck(error, `holdfast: ${troubleText(error)}\n`);
    return undefined;
  }
}

/** Waits until a signal has stopped it, the second one at once, or until it breaks; answers the exit code. */
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
 * Tells the trouble. Where a thread or a write hangs in a call of the system, such as one to a dead disk, an exit in
 * order would wait for it; then the process ends here.
 */
async function endStuck(error: unknown, text: string): Promise<void> {
  if (!isStuck(error)) return void process.stderr.write(text);
  // Whoever does not read the log may not read this either.
  const told = promisify(write)(2, text).catch(() => undefined);
  await Promise.race([told, pause(LAST_WORDS)]);
  endHard("SIGKILL");
}

function isStuck(error: unknown): boolean {
  if (error instanceof SuppressedError) return isStuck(error.error) || isStuck(error.suppressed);
  return (error as { readonly stuck?: unknown }).stuck === true;
}

/** As process 1 of a container nobody dies of a signal of its own. */
function endHard(signal: NodeJS.Signals): never {
  // Otherwise it comes back to us.
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  process.exit(1);
}

function complainOf(what: string): (error: unknown) => void {
  return (error) => void process.stderr.write(`holdfast: ${what}: ${troubleText(error)}\n`);
}

/** What an operator can act on has a plain message; only a bug shows its stack. */
function troubleText(error: unknown): string {
  // What came first, then what went wrong while the rest was taken down; often the same.
  if (error instanceof SuppressedError)
    return [...new Set([error.suppressed, error.error].map(troubleText))].join("; ");
  const expected = error instanceof Error && error.name !== "Error" && error.name !== "TypeError";
  return expected || !(error instanceof Error) ? errorText(error) : (error.stack ?? error.message);
}
