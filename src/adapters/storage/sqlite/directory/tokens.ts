import type Database from "better-sqlite3";
import type { TokenRecord } from "../../../../ports/tokens.ts";

interface TokenRow {
  readonly name: string;
  readonly hash: string;
  readonly created_at: number;
  readonly domain: string | null;
}

export function readTokens(database: Database.Database): readonly TokenRecord[] {
  const rows = database
    .prepare<[], TokenRow>("SELECT name, hash, created_at, domain FROM token ORDER BY name")
    .all();
  return rows.map(tokenOf);
}

function tokenOf({ name, hash, created_at: createdAt, domain }: TokenRow): TokenRecord {
  return domain === null ? { name, hash, createdAt } : { name, hash, createdAt, domain };
}

/** Returns false if the name is taken. */
export function addToken(database: Database.Database, token: TokenRecord): boolean {
  const insert = database.prepare(
    "INSERT INTO token (name, hash, created_at, domain) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  return insert.run(token.name, token.hash, token.createdAt, token.domain ?? null).changes === 1;
}

/** Revokes all tokens that are confined to this domain. */
export function revokeTokensOf(database: Database.Database, domain: string): void {
  database.prepare("DELETE FROM token WHERE domain = ?").run(domain);
}

export function revokeToken(database: Database.Database, name: string): boolean {
  return database.prepare("DELETE FROM token WHERE name = ?").run(name).changes === 1;
}
