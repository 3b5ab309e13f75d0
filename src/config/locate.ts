/** Finds the configuration, and the daemon's socket even if the file has mistakes. */
import { join, resolve } from "node:path";
import { storageFolder } from "./addresses.ts";
import { readDocument } from "./document.ts";
import { readText } from "./text-file.ts";

export const MAX_CONFIG_BYTES = 64e6;

/** Default of the key `storage`. */
export const DEFAULT_STORAGE = "sqlite:./data";

const DEFAULT_FILE = "./config/holdfast.yaml";

/** Returns the value of `--config`, else HOLDFAST_CONFIG, else ./config/holdfast.yaml, as an absolute path. */
export function configPath(flag?: string, environment: NodeJS.ProcessEnv = process.env): string {
  return resolve(flag ?? (environment["HOLDFAST_CONFIG"] || DEFAULT_FILE));
}

/**
 * Returns the path of the socket. Paths that the daemon writes to are relative to the folder in which it was started.
 */
export function socketPath(folder: string, socket: string | undefined): string {
  return socket === undefined ? join(resolve(folder), "admin.sock") : resolve(socket);
}

/**
 * Returns the socket of the daemon that runs with this configuration. Only `storage` and `admin.socket` are read, so
 * that a mistake elsewhere does not keep the operator from a daemon that runs with an older version of the file.
 * Undefined if the file or these keys cannot be read.
 */
export function adminSocket(path: string): string | undefined {
  const content = readText(resolve(path), MAX_CONFIG_BYTES);
  if ("fault" in content) return undefined;
  const document = readDocument(withoutDomains(content.text));
  const socket = document.textAt(["admin", "socket"]);
  if (socket !== undefined) return socketPath("", socket);
  // A key on a line of its own is found even if the parser stopped before it.
  const written = document.textAt(["storage"]) ?? /^storage:\s*["']?([^"'#\s]+)/m.exec(content.text)?.[1];
  const storage = storageFolder().safeParse(written ?? DEFAULT_STORAGE);
  return storage.success ? socketPath(storage.data, undefined) : undefined;
}

/**
 * Removes the domains, which do not matter here: parsing thousands of them would take seconds at each use of the tool.
 */
function withoutDomains(text: string): string {
  if (/^\s*\{/.test(text)) return jsonWithoutDomains(text);
  const begin = text.search(/^domains:[ \t]*\r?$/m);
  if (begin === -1) return text;
  const rest = text.slice(begin + "domains:".length);
  const next = rest.search(/^[^\s#]/m);
  return text.slice(0, begin) + (next === -1 ? "" : rest.slice(next));
}

/** Programs often write JSON, which is YAML, too. */
function jsonWithoutDomains(text: string): string {
  try {
    return JSON.stringify({ ...(JSON.parse(text) as object), domains: undefined });
  } catch {
    return text;
  }
}
