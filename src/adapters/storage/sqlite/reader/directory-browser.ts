import type Database from "better-sqlite3";
import {
  awaitsFirstList,
  type DomainRecord,
  type RecipientHit,
  type RecipientListRequest,
} from "../../../../ports/directory.ts";
import type { Page } from "../../../../ports/page.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { VISIBLE_DOMAIN, recordOf, type VisibleRow } from "../directory/directory-reader.ts";

/** Recipients of one page. */
const MAX_PAGE = 1000;

/** Lists of domains and recipients for people. */
export class Browser {
  readonly #newest: Database.Statement<[], number>;
  readonly #domains: Database.Statement<unknown[], VisibleRow>;
  readonly #domain: Database.Statement<unknown[], VisibleRow>;
  readonly #entries: Database.Statement<unknown[], string>;

  constructor(database: Database.Database) {
    this.#newest = database.prepare<[], number>("SELECT max(number) FROM generation").pluck();
    this.#domains = database.prepare(`${VISIBLE_DOMAIN} ORDER BY d.name`);
    this.#domain = database.prepare(`${VISIBLE_DOMAIN} AND d.name = @name`);
    this.#entries = database
      .prepare<unknown[], string>(
        `SELECT pattern FROM entry WHERE list = ? AND pattern >= ? AND since <= ? AND (until IS NULL OR until > ?)
         ORDER BY pattern LIMIT ?`,
      )
      .pluck();
  }

  domains(): readonly DomainRecord[] {
    const g = this.#newest.get() ?? 0;
    return this.#domains.all({ g }).map((row) => recordOf(row, g));
  }

  domain(name: string): DomainRecord | undefined {
    const g = this.#newest.get() ?? 0;
    const row = this.#domain.get({ g, name });
    return row && recordOf(row, g);
  }

  /** Returns the names of domains that refuse all mail because they have no recipients: of all domains, or of one. */
  refusing(domain: string | undefined): readonly string[] {
    const g = this.#newest.get() ?? 0;
    const rows = domain === undefined ? this.#domains.all({ g }) : this.#domain.all({ g, name: domain });
    const isEmpty = (list: number | null | undefined): boolean =>
      list === null || list === undefined || this.#entries.get(list, "", g, g, 1) === undefined;
    return rows.flatMap((row) => {
      const record = recordOf(row, g);
      const { name, settings, draining, fetched } = record;
      const isOpen = settings.catchAll || settings.callout === true || awaitsFirstList(record);
      return !draining && !isOpen && [row.list, fetched, row.overlay].every(isEmpty) ? [name] : [];
    });
  }

  /** Returns the entries of all lists by pattern; an entry of several lists appears once for each. */
  recipients({ domain, limit, cursor }: RecipientListRequest): Page<RecipientHit> {
    const g = this.#newest.get() ?? 0;
    const row = this.#domain.get({ g, name: domain });
    if (row === undefined) return { items: [] };
    const most = Math.max(1, Math.min(limit, MAX_PAGE));
    const [from, after] = place(cursor);
    const page = (list: number | null, origin: RecipientHit["origin"]): RecipientHit[] =>
      list === null
        ? []
        : this.#entries.all(list, from, g, g, most + 2).map((pattern) => ({ pattern, origin }));
    const fetched = recordOf(row, g).fetched ?? null;
    const hits = [...page(row.list, row.origin), ...page(fetched, "url"), ...page(row.overlay, "api")]
      .sort((a, b) => compare(keyOf(a), keyOf(b)))
      .filter((hit) => compare(keyOf(hit), after) > 0);
    const items = hits.slice(0, most);
    const last = items.at(-1);
    return hits.length > most && last !== undefined ? { items, next: encodeCursor(keyOf(last)) } : { items };
  }
}

const RANKS: readonly RecipientHit["origin"][] = ["file", "url", "api"];

type Key = readonly [pattern: string, rank: number];

function keyOf({ pattern, origin }: RecipientHit): Key {
  return [pattern, RANKS.indexOf(origin)];
}

/** By code point, as SQLite orders text. */
function compare(a: Key, b: Key): number {
  return Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0])) || a[1] - b[1];
}

function place(cursor: string | undefined): [from: string, after: Key] {
  if (cursor === undefined) return ["", ["", -1]];
  const after = decodeCursor(cursor, isKey);
  return [after[0], after];
}

function isKey(value: unknown): value is Key {
  return (
    Array.isArray(value) && value.length === 2 && typeof value[0] === "string" && Number.isInteger(value[1])
  );
}
