import type Database from "better-sqlite3";

/** Remembers which primaries used TLS in their last session. */
export class RememberedTls {
  readonly #all: Database.Statement<[], string>;
  readonly #add: Database.Statement<[string]>;
  readonly #remove: Database.Statement<[string]>;

  constructor(database: Database.Database) {
    this.#all = database.prepare<[], string>("SELECT destination FROM encrypted_primary").pluck();
    this.#add = database.prepare("INSERT OR IGNORE INTO encrypted_primary (destination) VALUES (?)");
    this.#remove = database.prepare("DELETE FROM encrypted_primary WHERE destination = ?");
  }

  all(): readonly string[] {
    return this.#all.all();
  }

  remember({ destination, encrypted }: { readonly destination: string; readonly encrypted: boolean }): void {
    (encrypted ? this.#add : this.#remove).run(destination);
  }
}
