import { setImmediate as nextTurn } from "node:timers/promises";
import type Database from "better-sqlite3";
import { domainOfKey, placeOfKey } from "../../../../mail/delivery-key.ts";
import type { ListRequest, QueueEntry } from "../../../../ports/operator.ts";
import type { Page } from "../../../../ports/page.ts";
import type { DsnKind, Told } from "../../../../ports/dsn.ts";
import { RECIPIENT_STATES, type Reason, type RecipientState } from "../../../../ports/recipient-state.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { wishOf } from "../wire/mail-row.ts";
import { DeliveryKeys } from "../queue/delivery-keys.ts";
import { matches } from "../queue/operating.ts";
import { PAGE, type Place, placeOfRow, START } from "../queue/pages.ts";

/** Most rows of one statement, so that none keeps the WAL from being emptied; fewest, of a lane that shows few. */
const CHUNK = 500;
const LEAST = 20;
/** Recipients of one page. */
const MAX_PAGE = 1000;
/** Rows that one request looks at; a page may come back short, with a cursor. */
const MAX_LOOKED_AT = 200_000;

const COLUMNS = `r.mail, r.n, r.address, r.domain, r.state, r.reason, r.due_at, r.attempts, r.unconfirmed,
  r.last_reply, r.destination, r.who, r.since, r.updated_at, r.notify, r.orcpt, r.owed, r.told, r.hash,
  m.id, m.sender, m.accepted_at, m.size, m.quarantine, m.subject`;

export interface RecipientRow {
  readonly mail: number;
  readonly n: number;
  readonly address: string;
  readonly domain: string;
  readonly state: RecipientState;
  readonly reason: Reason | null;
  readonly due_at: number;
  readonly attempts: number;
  readonly unconfirmed: number;
  readonly last_reply: string | null;
  readonly destination: string | null;
  readonly who: string | null;
  readonly since: number;
  readonly updated_at: number;
  readonly notify: string | null;
  readonly orcpt: string | null;
  readonly owed: DsnKind | null;
  readonly told: string | null;
  readonly id: string;
  readonly sender: string;
  readonly accepted_at: number;
  readonly size: number;
  readonly hash: string | null;
  readonly quarantine: string | null;
  readonly subject: string | null;
}

/** One state's rows in the order of the list, of one key where the list is of a domain. */
interface Lane {
  readonly key: string | undefined;
  readonly state: RecipientState;
  /** Read and not yet shown, the last first. */
  rows: RecipientRow[];
  /** Rows of it that were shown since it was read. */
  used: number;
  /** Nothing was behind them when it was read. */
  ended: boolean;
}

/** Lists recipients, longest in their state first, a page at a time. */
export class QueueList {
  readonly #ofMail: Database.Statement<unknown[], RecipientRow>;
  readonly #ofDomain: Database.Statement<unknown[], RecipientRow>;
  readonly #ofState: Database.Statement<unknown[], RecipientRow>;
  readonly #keys: DeliveryKeys;
  /** Runs `read`, which sees everything as it is at one moment. */
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
    if (request.filter.id !== undefined) return this.#listMail(request, limit, start);
    const lanes = this.#lanes(request);
    // One that changes its state between two reads comes up again later, in the new one.
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

  /** What is gone has no index by domain: it is one lane, looked through. */
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

  #listMail({ filter, ledger }: ListRequest, limit: number, [, , n]: Place): Page<QueueEntry> {
    const wanted = new Set(statesOf({ filter, limit, ...(ledger !== undefined && { ledger }) }));
    const rows = this.#ofMail.all(filter.id, n, MAX_PAGE);
    const items = rows.filter((row) => wanted.has(row.state) && matches(row, filter)).slice(0, limit);
    const last = (items.length === limit ? items : rows).at(-1);
    const more = last !== undefined && (last !== rows.at(-1) || rows.length === MAX_PAGE);
    return {
      items: items.map(entryOf),
      ...(more && { next: encodeCursor(placeOfRow(last)) }),
    };
  }

  /**
   * Where a lane has run dry, reads all of them from `place` on, as they are at one moment; true when it did. All of
   * them, because a recipient that changes its state goes to another lane, where its time may lie before what was read:
   * a bulk act gives all of them the time at which it began. Never does it lie before the place that it had.
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

/** Takes the row that comes first of all lanes; lanes keep theirs last first. */
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

export function entryOf(row: RecipientRow): QueueEntry {
  const route = placeOfKey(row.domain);
  const waits = row.state === "waiting" || row.state === "unconfirmed";
  return {
    id: row.id,
    n: row.n,
    recipient: row.address,
    domain: domainOfKey(row.domain),
    ...(route !== undefined && { route }),
    sender: row.sender,
    state: row.state,
    ...(row.reason !== null && { reason: row.reason }),
    acceptedAt: row.accepted_at,
    updatedAt: row.updated_at,
    ...(waits && { dueAt: row.due_at }),
    attempts: row.attempts,
    unconfirmed: row.unconfirmed,
    ...(row.last_reply !== null && { lastReply: row.last_reply }),
    ...(row.destination !== null && { destination: row.destination }),
    ...(row.who !== null && { who: row.who }),
    size: row.size,
    ...(row.hash !== null && { hash: row.hash }),
    ...wishOf(row),
    ...(row.owed !== null && { owed: row.owed }),
    ...(row.told !== null && { told: JSON.parse(row.told) as Told }),
    ...(row.quarantine !== null && { quarantine: row.quarantine }),
    ...(row.subject !== null && { subject: row.subject }),
  };
}

function decode(cursor: string | undefined): Place {
  return cursor === undefined ? START : decodeCursor(cursor, isPlace);
}

function isPlace(value: unknown): value is Place {
  return Array.isArray(value) && value.length === 3 && value.every(Number.isSafeInteger);
}
