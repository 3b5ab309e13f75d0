/** Where the configuration is, and where the daemon's socket is, even if the file has mistakes. */
import { join, resolve } from "node:path";
import { storageFolder } from "./addresses.ts";
import { readDocument } from "./document.ts";
import { readText } from "./text-file.ts";

export const MAX_CONFIG_BYTES = 64e6;

/** Of the key `storage`. */
export const DEFAULT_STORAGE = "sqlite:./data";

const DEFAULT_FILE = "./config/holdfast.yaml";

/** The value of `--config`, else HOLDFAST_CONFIG, else ./config/holdfast.yaml; absolute. */
export function configPath(flag?: string, environment: NodeJS.ProcessEnv = process.env): string {
  return resolve(flag ?? (environment["HOLDFAST_CONFIG"] || DEFAULT_FILE));
}

/** What the daemon writes is relative to the folder that it was started in. */
export function socketPath(folder: string, socket: string | undefined): string {
  return socket === undefined ? join(resolve(folder), "admin.sock") : resolve(socket);
}

/**
 * The socket of the daemon that runs with this configuration. Only `storage` and `admin.socket` are looked at, so
 * that a mistake elsewhere does not keep the operator from a daemon that runs with an older text. Undefined where
 * the file or these keys cannot be read.
 */
export function adminSocket(path: string): string | undefined {
  const content = readText(resolve(path), MAX_CONFIG_BYTES);
  if ("fault" in content) return undefined;
  const document = readDocument(withoutDomains(content.text));
  const socket = document.textAt(["admin", "socket"]);
  if (socket !== undefined) return socketPath("", socket);
  // A key on a line of its own is found even if the parser gave up before it.
  const written = document.textAt(["storage"]) ?? /^storage:\s*["']?([^"'#\s]+)/m.exec(content.text)?.[1];
  const storage = storageFolder().safeParse(written ?? DEFAULT_STORAGE);
  return storage.success ? socketPath(storage.data, undefined) : undefined;
}

/** The domains do not matter here, and to parse thousands of them would take seconds at each use of the tool. */
function withoutDomains(text: string): string {
  if (/^\s*\{/.test(text)) return jsonWithoutDomains(text);
  const begin = text.search(/^domains:[ \t]*\r?$/m);
  if (begin === -1) return text;
  const rest = text.slice(begin + "domains:".length);
  const next = rest.search(/^[^\s#]/m);
  return text.slice(0, begin) + (next === -1 ? "" : rest.slice(next));
}

/** What a program wrote is often JSON, which is YAML, too. */
function jsonWithoutDomains(text: string): string {
  try {
    return JSON.stringify({ ...(JSON.parse(text) as object), domains: undefined });
  } catch {
    return text;
  }
}
