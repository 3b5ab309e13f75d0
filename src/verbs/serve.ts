/** `serve`: the daemon, until a signal stops it or it breaks. */
import { startDaemon, type Daemon } from "../app.ts";
import type { Config } from "../config/config.ts";
import { errorText } from "../runtime/log.ts";
import { readConfig } from "./read-config.ts";
import { takeNotifier } from "./tell-systemd.ts";
import { WRONG_USE } from "./wrong-use.ts";

/** Answers the exit code, when the daemon has ended. */
export async function serve(path: string | undefined): Promise<number> {
  const config = readConfig(path);
  if (config === undefined) return WRONG_USE;
  const tellReady = takeNotifier(process.env);
  const daemon = await start(config);
  if (daemon === undefined) return 1;
  // holdfast.js has made one that comes before this harmless.
  process.on("SIGHUP", () => void daemon.reload().catch(complainOf("the configuration was not reloaded")));
  void tellReady().catch(complainOf("systemd was not told that mail is taken"));
  return end(daemon);
}

/** The daemon, or undefined after the trouble was told. */
async function start(config: Config): Promise<Daemon | undefined> {
  try {
    return await startDaemon(config);
  } catch (error) {
    process.stderr.write(`holdfast: ${troubleText(error)}\n`);
    // An exit in order would wait for that thread, for as long as a dead disk keeps it.
    if ((error as { readonly stuck?: unknown }).stuck === true) process.kill(process.pid, "SIGKILL");
    return undefined;
  }
}

/** Waits until a signal has stopped it, the second one at once, or until it breaks; answers the exit code. */
function end(daemon: Daemon): Promise<number> {
  const ended = Promise.withResolvers<number>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      process.once("SIGTERM", () => process.exit(1));
      process.once("SIGINT", () => process.exit(1));
      daemon.stop().then(
        () => ended.resolve(0),
        (error: unknown) => {
          complainOf("it did not stop in good order")(error);
          ended.resolve(1);
        },
      );
    });
  }
  void daemon.broken.then(() => ended.resolve(1));
  return ended.promise;
}

function complainOf(what: string): (error: unknown) => void {
  return (error) => void process.stderr.write(`holdfast: ${what}: ${troubleText(error)}\n`);
}

/** What an operator can act on has a plain message; only a bug shows its stack. */
function troubleText(error: unknown): string {
  const expected = error instanceof Error && error.name !== "Error" && error.name !== "TypeError";
  return expected || !(error instanceof Error) ? errorText(error) : (error.stack ?? error.message);
}
