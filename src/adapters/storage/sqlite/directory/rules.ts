import type Database from "better-sqlite3";
import type { AccessRule } from "../../../../ports/checks.ts";
import type { StoredRule } from "../../../../ports/rules.ts";

interface RuleRow {
  readonly id: string;
  readonly rule: string;
  readonly created_at: number;
  readonly who: string;
}

/** Newest first: ids sort by time. */
export function readRules(database: Database.Database): readonly StoredRule[] {
  const rows = database
    .prepare<[], RuleRow>("SELECT id, rule, created_at, who FROM access_rule ORDER BY id DESC")
    .all();
  return rows.map(({ id, rule, created_at: createdAt, who }) => {
    return { id, rule: JSON.parse(rule) as AccessRule, createdAt, who };
  });
}

export function addRule(database: Database.Database, { id, rule, createdAt, who }: StoredRule): void {
  database
    .prepare("INSERT INTO access_rule (id, rule, created_at, who) VALUES (?, ?, ?, ?)")
    .run(id, JSON.stringify(rule), createdAt, who);
}

export function removeRule(database: Database.Database, id: string): boolean {
  return database.prepare("DELETE FROM access_rule WHERE id = ?").run(id).changes === 1;
}
