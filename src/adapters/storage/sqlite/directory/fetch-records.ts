import type Database from "better-sqlite3";
import type { FetchRecord, FetchRecords } from "../../../../ports/recipient-lists.ts";

interface Row {
  readonly domain: string;
  readonly record: string;
}

export function readFetchRecords(database: Database.Database): ReadonlyMap<string, FetchRecord> {
  const rows = database.prepare<[], Row>("SELECT domain, record FROM fetch_record").all();
  return new Map(rows.map(({ domain, record }) => [domain, JSON.parse(record) as FetchRecord]));
}

export function noteFetch(
  database: Database.Database,
  { domain, record }: Parameters<FetchRecords["noteFetch"]>[0],
): void {
  database
    .prepare(
      "INSERT INTO fetch_record (domain, record) VALUES (?, ?) ON CONFLICT (domain) DO UPDATE SET record = excluded.record",
    )
    .run(domain, JSON.stringify(record));
  // Records of removed domains are deleted whenever another record is stored.
  database.exec("DELETE FROM fetch_record WHERE domain NOT IN (SELECT name FROM domain WHERE until IS NULL)");
}
