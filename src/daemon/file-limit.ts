/** Checks whether this process may open as many files as its configuration may need. */
import type { Logger } from "../runtime/log.ts";
import { connectionsWithin, filesFor, openFiles } from "../runtime/open-files.ts";

/** Logs how many files may be open, and warns if fewer clients are admitted because of it. */
export function tellFileLimit(wanted: number, log: Logger, files: number | undefined = openFiles()): void {
  if (files === undefined) return;
  const needed = filesFor(wanted);
  const connections = connectionsWithin(wanted, files);
  if (connections === wanted) return log.info("files.limit", { files, needed });
  const right = `LimitNOFILE=${needed} in the systemd unit, --ulimit nofile=${needed} for Docker, ulimit -n ${needed} in a shell; or smtp.limits.connections of at most ${connections}; until then clients beyond ${connections} get 421`;
  log.warn("files.limit.low", { files, needed, wanted, connections, right });
}
