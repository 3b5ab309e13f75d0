/** The status of the daemon as far as the main thread knows it without asking another thread. */
import { readCondition, readRoom } from "../adapters/storage/sqlite/sqlite.ts";
import type { Config } from "../config/config.ts";
import type { ControlStatus } from "../endpoints/admin/admin.ts";
import type { Foundation } from "./foundation.ts";
import { ConnectionTable } from "../runtime/connection-table.ts";
import { noticeRoute } from "../threads/settings.ts";
import { VERSION } from "../runtime/version.ts";

export function daemonStatus(
  config: Config,
  { storage, storeTrouble, directory, clients, certificates, startedAt }: Foundation,
  { listening, lists, overQuota }: Pick<ControlStatus, "listening" | "lists" | "overQuota">,
): ControlStatus {
  const trouble = storeTrouble();
  return {
    version: VERSION,
    hostname: config.hostname,
    startedAt,
    condition: readCondition(storage.shared),
    ...(trouble !== undefined && { trouble }),
    listening,
    connections: new ConnectionTable(clients.connections, 0).total(),
    room: readRoom(storage.shared),
    generation: directory.generation(),
    notices: noticeRoute(config),
    lists,
    overQuota,
    certificates: certificates.facts(),
  };
}
