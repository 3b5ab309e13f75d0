/** The verbs that ask a running daemon: which one, by the configuration that both read. */
import { closeSync, openSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { runTool } from "../cli/cli.ts";
import { adminSocket, configPath, formatProblem, loadConfig } from "../config/config.ts";
import { codeOf } from "../runtime/system-code.ts";
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
  const mistakes = (): readonly string[] => mistakesIn(config);
  if (socket !== undefined)
    return runTool(verb, args, { socket, config, mistakes, ...astray(socket, config) });
  return complain(["holdfast: nothing says where the daemon is", ...whyNowhere(config), ""].join("\n"));
}

/** Why a configuration does not lead to its daemon, and what would. */
export function whyNowhere(config: string): readonly string[] {
  if (!isForbidden(config)) return mistakesIn(config);
  return [`${config}: you may not read it; run this as the daemon's user or as root`];
}

/** To this user; the daemon's own may read it. */
function isForbidden(file: string): boolean {
  try {
    closeSync(openSync(file, "r"));
    return false;
  } catch (error) {
    return codeOf(error) === "EACCES";
  }
}

/** Of a file that is no configuration at all, some will do. */
const MOST_MISTAKES = 5;

/**
 * What in a configuration may keep its `storage` or `admin.socket` from being found: mistakes there, and of the whole
 * file. Others are left out, because who asks may not be able to read all that the daemon reads.
 */
export function mistakesIn(config: string): readonly string[] {
  const loaded = loadConfig(config);
  const problems = loaded.ok ? [] : loaded.problems;
  const leading = problems.filter(
    ({ file, key }) => file === config && /^(?:(?:storage|admin)\b.*|[^.[]*)$/.test(key),
  );
  return leading.slice(0, MOST_MISTAKES).map(formatProblem);
}

/** The socket was looked for where the command runs, and the configuration lies elsewhere: `storage` is relative. */
function astray(socket: string, config: string): { hint?: string } {
  const here = join(process.cwd(), sep);
  if (!socket.startsWith(here) || config.startsWith(here)) return {};
  return {
    hint: "a relative `storage` begins in the folder where a command runs; write a whole path, or run this where the daemon was started",
  };
}
