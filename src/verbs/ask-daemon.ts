/** The verbs that ask a running daemon: which one, by the configuration that both read. */
import { existsSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { runTool } from "../cli/cli.ts";
import { adminSocket, configPath } from "../config/config.ts";
import { complain } from "./wrong-use.ts";

/** Where the daemon of an unreadable configuration most likely is. */
const DEFAULT_SOCKET = resolve("data/admin.sock");

/** A verb for the daemon of this configuration, and never for another one. */
export async function askDaemon(
  verb: string,
  args: readonly string[],
  file: string | undefined,
): Promise<number> {
  const config = configPath(file);
  const socket = adminSocket(config) ?? (config === configPath(undefined, {}) ? DEFAULT_SOCKET : undefined);
  if (socket !== undefined) return runTool(verb, args, { socket, config, ...astray(socket, config) });
  const why = existsSync(config) ? "its `storage` cannot be read" : "it does not exist";
  return complain(`holdfast: ${config} does not say where its daemon is: ${why}; check the path\n`);
}

/** The socket was looked for where the command runs, and the configuration lies elsewhere: `storage` is relative. */
function astray(socket: string, config: string): { hint?: string } {
  const here = join(process.cwd(), sep);
  if (!socket.startsWith(here) || config.startsWith(here)) return {};
  return {
    hint: "a relative `storage` begins in the folder where a command runs; write a whole path, or run this where the daemon was started",
  };
}
