import type Database from "better-sqlite3";
import type {
  DirectoryReader,
  DomainRecord,
  DomainSettings,
  RecipientHit,
} from "../../../../ports/directory.ts";
import { openMailReader } from "../disk/connection.ts";
import type { DomainRow } from "./generations.ts";
import { readGeneration, type SharedState } from "../wire/shared-state.ts";

/** A record contains its generation, so that its lists are read in the same generation. */
interface StoredDomain extends DomainRecord {
  readonly overlay?: number;
  readonly generation: number;
}

export type VisibleRow = DomainRow & {
  readonly overlay: number | null;
  readonly fetched: number | null;
  readonly paused: number | null;
  readonly pausedUntil: number | null;
};

/** Selects domains as generation `@g` sees them; conditions on `d` may be appended. */
export const VISIBLE_DOMAIN = `
  SELECT d.name, d.origin, d.settings, d.list, d.draining, o.list AS overlay, f.list AS fetched,
    p.domain IS NOT NULL AS paused, p.until AS pausedUntil
  FROM domain d
  LEFT JOIN overlay o ON o.domain = d.name AND o.since <= @g AND (o.until IS NULL OR o.until > @g)
  LEFT JOIN fetched f ON f.domain = d.name AND f.since <= @g AND (f.until IS NULL OR f.until > @g)
  LEFT JOIN pause p ON p.domain = d.name
  WHERE d.since <= @g AND (d.until IS NULL OR d.until > @g)`;

/**
 * Opens its own read-only connection; all methods are synchronous. With the writer's shared state, the generation is
 * read from there, which saves a query for each mail.
 */
export function openDirectoryReader(folder: string, shared?: SharedState): DirectoryReader {
  const database = openMailReader(folder);
  const newest = database.prepare<[], number>("SELECT max(number) FROM generation").pluck();
  const domain = database.prepare<unknown[], VisibleRow>(`${VISIBLE_DOMAIN} AND d.name = @name`);
  const known = database.prepare<[number], number>("SELECT 1 FROM generation WHERE number = ?").pluck();
  const names = database
    .prepare<unknown[], string>("SELECT name FROM domain WHERE since <= ? AND (until IS NULL OR until > ?)")
    .pluck();
  const find = prepareFind(database);
  /** Throws if the generation may have been swept: a recipient must not be refused because rows are missing. */
  const checkKnown = (generation: number): void => {
    const isNewest = shared !== undefined && readGeneration(shared) === generation;
    if (!isNewest && known.get(generation) === undefined)
      throw new Error(`generation ${generation} is not known any more`);
  };
  return {
    generation: () => (shared && readGeneration(shared)) ?? newest.get() ?? 0,
    domain: (name, generation) => {
      const row = domain.get({ g: generation, name });
      if (row !== undefined) return recordOf(row, generation);
      checkKnown(generation);
      return undefined;
    },
    names: (generation) => names.all(generation, generation),
    recipient: (record, local) => {
      const hit = find(record as StoredDomain, local);
      if (hit === undefined) checkKnown((record as StoredDomain).generation);
      return hit;
    },
    close: () => void database.close(),
  };
}

export function recordOf(row: VisibleRow, generation: number): StoredDomain {
  const list = row.list ?? (row.origin === "api" ? row.overlay : null);
  const settings = JSON.parse(row.settings) as DomainSettings;
  return {
    name: row.name,
    origin: row.origin,
    settings,
    // A fetched list is ignored once the settings do not ask for one.
    ...(row.fetched !== null && settings.fetched !== undefined && { fetched: row.fetched }),
    ...(list !== null && { list }),
    ...(row.overlay !== null && { overlay: row.overlay }),
    paused: row.paused === 1,
    ...(row.pausedUntil !== null && { pausedUntil: row.pausedUntil }),
    draining: row.draining === 1,
    generation,
  };
}

/** Returns the matching pattern of a list. */
type Look = (list: number, local: string, generation: number) => string | undefined;

type Find = (record: StoredDomain, local: string) => RecipientHit | undefined;

function prepareFind(database: Database.Database): Find {
  const exact = database
    .prepare<unknown[], string>(
      "SELECT pattern FROM entry WHERE list = ? AND pattern = ? AND since <= ? AND (until IS NULL OR until > ?)",
    )
    .pluck();
  // Tries every prefix, the longest first; only for lists that contain wildcards.
  const prefix = database
    .prepare<unknown[], string>(
      `WITH RECURSIVE cut(length) AS (
         SELECT length(?) FROM list WHERE id = ? AND wildcards > 0
         UNION ALL SELECT length - 1 FROM cut WHERE length > 0)
       SELECT e.pattern FROM cut CROSS JOIN entry e ON e.list = ? AND e.pattern = substr(?, 1, cut.length) || '*'
       WHERE e.since <= ? AND (e.until IS NULL OR e.until > ?) LIMIT 1`,
    )
    .pluck();
  const exactly: Look = (list, local, g) => exact.get(list, local, g, g);
  const byPrefix: Look = (list, local, g) => prefix.get(local, list, list, local, g, g);
  return (record, local) => {
    const hits = (look: Look): RecipientHit[] =>
      listsOf(record).flatMap(([list, origin]) => {
        const pattern = look(list, local, record.generation);
        return pattern === undefined ? [] : [{ pattern, origin }];
      });
    return hits(exactly)[0] ?? longest(hits(byPrefix));
  };
}

/** Returns the declared list, the fetched one and the API's list, in this order. */
function listsOf({ list, overlay, fetched, origin }: StoredDomain): [number, RecipientHit["origin"]][] {
  const lists: [number, RecipientHit["origin"]][] = [];
  if (list !== undefined && list !== overlay) lists.push([list, origin]);
  if (fetched !== undefined) lists.push([fetched, "url"]);
  if (overlay !== undefined) lists.push([overlay, "api"]);
  return lists;
}

function longest(hits: readonly RecipientHit[]): RecipientHit | undefined {
  return hits.toSorted((a, b) => b.pattern.length - a.pattern.length)[0];
}
