import type Database from "better-sqlite3";
import type { AllowedSender, AllowedSenders } from "../../../../ports/quarantine.ts";
import { openMailReader } from "../disk/connection.ts";

interface Row {
  readonly sender: string;
  readonly domain: string;
  readonly at: number;
  readonly who: string;
}

export function readAllowedSenders(database: Database.Database): readonly AllowedSender[] {
  const rows = database
    .prepare<[], Row>("SELECT sender, domain, at, who FROM allowed_sender ORDER BY sender, domain")
    .all();
  return rows.map(senderOf);
}

function senderOf({ sender, domain, at, who }: Row): AllowedSender {
  return domain === "" ? { sender, at, who } : { sender, domain, at, who };
}

/** Returns false if the sender is already allowed. */
export function allowSender(database: Database.Database, allowed: AllowedSender): boolean {
  const insert = database.prepare(
    "INSERT INTO allowed_sender (sender, domain, at, who) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  return insert.run(allowed.sender, allowed.domain ?? "", allowed.at, allowed.who).changes === 1;
}

export function disallowSender(
  database: Database.Database,
  { sender, domain = "" }: Pick<AllowedSender, "sender" | "domain">,
): boolean {
  const remove = database.prepare("DELETE FROM allowed_sender WHERE sender = ? AND domain = ?");
  return remove.run(sender, domain).changes === 1;
}

/** Opens its own read-only connection; all methods are synchronous. */
export function openAllowedSenders(folder: string): AllowedSenders {
  const database = openMailReader(folder);
  const find = database
    .prepare<[string, string, string], number>(
      "SELECT 1 FROM allowed_sender WHERE sender IN (?, ?) AND domain IN ('', ?) LIMIT 1",
    )
    .pluck();
  return {
    has: (sender, domain) => {
      const at = sender.lastIndexOf("@");
      return at !== -1 && find.get(sender, sender.slice(at), domain) !== undefined;
    },
    close: () => void database.close(),
  };
}
