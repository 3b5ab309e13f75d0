import { setImmediate as nextTurn } from "node:timers/promises";
import type Database from "better-sqlite3";
import type { ListRequest, QueueEntry } from "../../../../ports/operator.ts";
import type { Page } from "../../../../ports/page.ts";
import { RECIPIENT_STATES, type RecipientState } from "../../../../ports/recipient-state.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { COLUMNS, entryOf, type RecipientRow } from "./queue-entry.ts";
import { DeliveryKeys } from "../queue/delivery-keys.ts";
import { matches } from "../queue/operating.ts";
import { PAGE, type Place, placeOfRow, START } from "../queue/pages.ts";

/** Most rows of one statement, so that none keeps the WAL from being emptied; fewest, for a lane that yields few. */
const CHUNK = 500;
const LEAST = 20;
/** Recipients of one page. */
const MAX_PAGE = 1000;
/** Rows that one request examines; beyond that a page is returned short, with a cursor. */
const MAX_LOOKED_AT = 200_000;

/** The rows of one state in the order of the list; of one delivery key if the list is for a domain. */
interface Lane {
  readonly key: string | undefined;
  readonly state: RecipientState;
  /** Rows that were read and not yet taken, in reverse order. */
  rows: RecipientRow[];
  /** Rows that were taken since the lane was read. */
  used: number;
  /** There were no further rows when the lane was read. */
  ended: boolean;
}

/** Lists recipients page by page; those that have been in their state longest come first. */
export class QueueList {
  readonly #ofMail: Database.Statement<unknown[], RecipientRow>;
  readonly #ofDomain: Database.Statement<unknown[], RecipientRow>;
  readonly #ofState: Database.Statement<unknown[], RecipientRow>;
  readonly #keys: DeliveryKeys;
  /** Runs `read` in one transaction, so that it sees a single state of the database. */
  readonly #atOnce: (read: () => void) => void;

  constructor(database: Database.Database) {
    const join = "CROSS JOIN message m ON m.key = r.mail";
    this.#ofMail = database.prepare(
      `SELECT ${COLUMNS} FROM message m CROSS JOIN recipient r ON r.mail = m.key
       WHERE m.id = ? AND r.n > ? ORDER BY r.n LIMIT ?`,
    );
    this.#ofDomain = database.prepare(
      `SELECT ${COLUMNS} FROM recipient r INDEXED BY recipient_domain ${join}
       WHERE r.state = ? AND r.domain = ? AND r.state <> 'gone' ${PAGE} ?`,
    );
    this.#ofState = database.prepare(
      `SELECT ${COLUMNS} FROM recipient r INDEXED BY recipient_age ${join} WHERE r.state = ? ${PAGE} ?`,
    );
    this.#keys = new DeliveryKeys(database);
    this.#atOnce = database.transaction((read: () => void) => read());
  }

  async list(request: ListRequest): Promise<Page<QueueEntry>> {
    const limit = Math.max(1, Math.min(request.limit, MAX_PAGE));
    const start = decode(request.cursor);
    const { id } = request.filter;
    if (id !== undefined) return this.#listMail(request, id, limit, start);
    const lanes = this.#lanes(request);
    // A recipient that changes its state between two reads appears again later, in its new state.
    const items = new Map<string, RecipientRow>();
    const page = (): QueueEntry[] => [...items.values()].map(entryOf);
    let place = start;
    for (let lookedAt = 0; items.size < limit && lookedAt < MAX_LOOKED_AT; lookedAt++) {
      if (this.#refill(lanes, place)) await nextTurn();
      const row = takeFirst(lanes);
      if (row === undefined) return { items: page() };
      place = placeOfRow(row);
      const recipient = `${row.mail} ${row.n}`;
      if (matches(row, request.filter) && !items.has(recipient)) items.set(recipient, row);
    }
    return { items: page(), next: encodeCursor(place) };
  }

  /** `gone` recipients have no index by domain, so they are one lane, and each row is examined. */
  #lanes(request: ListRequest): readonly Lane[] {
    const { domain } = request.filter;
    const keys = domain === undefined ? [undefined] : this.#keys.of(domain);
    return statesOf(request).flatMap((state) =>
      (state === "gone" ? [undefined] : keys).map((key): Lane => ({
        key,
        state,
        rows: [],
        used: CHUNK,
        ended: false,
      })),
    );
  }

  async #listMail(request: ListRequest, id: string, limit: number, start: Place): Promise<Page<QueueEntry>> {
    const wanted = new Set(statesOf(request));
    const items: QueueEntry[] = [];
    let place = start;
    for await (const row of this.#recipientsOf(id, start)) {
      if (items.length === limit) return { items, next: encodeCursor(place) };
      place = placeOfRow(row);
      if (wanted.has(row.state) && matches(row, request.filter)) items.push(entryOf(row));
    }
    return { items };
  }

  /** Yields the recipients behind the place, by their position in the mail. */
  async *#recipientsOf(id: string, [, , n]: Place): AsyncGenerator<RecipientRow> {
    for (let last: number | undefined = n; last !== undefined;) {
      const rows: readonly RecipientRow[] = this.#ofMail.all(id, last, CHUNK);
      yield* rows;
      last = rows.at(-1)?.n;
      await nextTurn();
    }
  }

  /**
   * If a lane has run out of rows, reads all lanes again from `place` on, in one transaction; returns true if it did.
   * It reads all lanes because a recipient that changes its state moves to another lane, where it may stand before rows
   * that were read already: a bulk operation gives all its recipients the time at which it began. But a recipient never
   * moves to a place before its old one.
   */
  #refill(lanes: readonly Lane[], place: Place): boolean {
    if (!lanes.some((lane) => !lane.ended && lane.rows.length === 0)) return false;
    this.#atOnce(() => {
      for (const lane of lanes) this.#read(lane, place);
    });
    return true;
  }

  #read(lane: Lane, place: Place): void {
    const most = Math.min(CHUNK, Math.max(LEAST, 2 * lane.used));
    const rows =
      lane.key === undefined
        ? this.#ofState.all(lane.state, ...place, most)
        : this.#ofDomain.all(lane.state, lane.key, ...place, most);
    lane.ended = rows.length < most;
    lane.rows = rows.reverse();
    lane.used = 0;
  }
}

function statesOf({ filter, ledger }: ListRequest): readonly RecipientState[] {
  if (filter.state !== undefined) return [filter.state];
  return ledger === true ? RECIPIENT_STATES : RECIPIENT_STATES.filter((state) => state !== "gone");
}

/** Takes the first row of all lanes; each lane keeps its rows in reverse order. */
function takeFirst(lanes: readonly Lane[]): RecipientRow | undefined {
  let first: Lane | undefined;
  for (const lane of lanes) {
    const row = lane.rows.at(-1);
    const best = first?.rows.at(-1);
    if (row !== undefined && (best === undefined || isBefore(row, best))) first = lane;
  }
  if (first !== undefined) first.used += 1;
  return first?.rows.pop();
}

function isBefore(a: RecipientRow, b: RecipientRow): boolean {
  return a.since - b.since < 0 || (a.since === b.since && (a.mail - b.mail || a.n - b.n) < 0);
}

function decode(cursor: string | undefined): Place {
  return cursor === undefined ? START : decodeCursor(cursor, isPlace);
}

function isPlace(value: unknown): value is Place {
  return Array.isArray(value) && value.length === 3 && value.every(Number.isSafeInteger);
}
