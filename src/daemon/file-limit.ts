/** Whether this process may open as many files as its configuration can come to need. */
import { readFileSync } from "node:fs";
import type { Logger } from "../runtime/log.ts";

/** The database, logs, listeners, the tool's connections, primaries, and bodies that lie in files. */
const BESIDE_CLIENTS = 1000;

/** Descriptors that this process may have; Node.js has raised it to the hard limit. Undefined where it cannot be told. */
export function openFiles(limits: () => string = readLimits): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(limits()) ?? [];
    if (soft === "unlimited") return Number.POSITIVE_INFINITY;
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** Tells the log how many files may be open, and warns where clients could come to lack one. */
export function tellFileLimit(
  connections: number,
  log: Logger,
  files: number | undefined = openFiles(),
): void {
  if (files === undefined) return;
  const needed = connections + BESIDE_CLIENTS;
  if (files >= needed) return log.info("files.limit", { files, needed });
  const right = `LimitNOFILE=${needed} in the systemd unit, --ulimit nofile=${needed} for Docker, or smtp.limits.connections of at most ${Math.max(0, files - BESIDE_CLIENTS)}`;
  log.warn("files.limit.low", { files, needed, right });
}

function readLimits(): string {
  return readFileSync("/proc/self/limits", "utf8");
}
