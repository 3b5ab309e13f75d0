import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import type { Batch } from "../commit/batch.ts";
import type { Bodies } from "./bodies.ts";
import { SEGMENT_SIZE } from "./segment-writer.ts";
import type { Segments } from "./segments.ts";
import { boundsOf, placeOf, spoolIn } from "./spool-place.ts";

/** A segment with more than this, in bytes or in mails, is not compacted. */
const MOST_BYTES = SEGMENT_SIZE / 4;
const MOST_MAILS = 512;

interface Left {
  readonly key: number;
  readonly spool: string;
  readonly size: number;
}

/** Moves the last mails of a segment into rows, so that a mail which waits for days does not keep 32 MiB. */
export class Compacting {
  readonly #folder: string;
  readonly #bodies: Bodies;
  readonly #segments: Segments;
  readonly #left: Database.Statement<[string, string], Left>;
  readonly #moveable: Database.Statement<[number, string, number], number>;

  constructor(
    database: Database.Database,
    parts: { readonly folder: string; readonly bodies: Bodies; readonly segments: Segments },
  ) {
    this.#folder = spoolIn(parts.folder);
    this.#bodies = parts.bodies;
    this.#segments = parts.segments;
    this.#left = database.prepare(
      `SELECT key, spool, size FROM message WHERE spool > ? AND spool < ? LIMIT ${MOST_MAILS + 1}`,
    );
    // A body stays where it is while a delivery or a DSN writer knows its place.
    this.#moveable = database
      .prepare<[number, string, number], number>(
        `SELECT 1 FROM message WHERE key = ? AND spool = ? AND NOT EXISTS (
           SELECT 1 FROM recipient WHERE mail = ? AND (state = 'claimed' OR owed IS NOT NULL))`,
      )
      .pluck();
  }

  /**
   * Compacts all segments that have lost mail since the last time; returns the number of moved mails. A segment counts
   * as done only once that is durable, so that work which a full disk undid is repeated when there is room.
   */
  *run(batch: () => Batch): Generator<void, number> {
    let moved = 0;
    for (const name of this.#segments.thinned) {
      const left = this.#left.all(...boundsOf(name));
      const bytes = left.reduce((sum, { size }) => sum + size, 0);
      if (left.length <= MOST_MAILS && bytes <= MOST_BYTES) moved += yield* this.#empty(name, left, batch);
      else batch().onCommit(() => this.#segments.compacted(name));
      yield;
    }
    return moved;
  }

  *#empty(name: string, left: readonly Left[], batch: () => Batch): Generator<void, number> {
    let moved = 0;
    let passedOver = 0;
    for (const { key, spool, size } of left) {
      if (this.#moveable.get(key, spool, key) === undefined) passedOver += 1;
      else {
        const body = readPart(join(this.#folder, name), placeOf(spool).start ?? 0, size);
        // An unreadable body stays where it is: its delivery reports the damage.
        if (body !== undefined) this.#bodies.moveToRow(key, body, spool, batch());
        moved += body === undefined ? 0 : 1;
      }
      yield;
    }
    if (passedOver === 0) batch().onCommit(() => this.#segments.compacted(name));
    return moved;
  }
}

/** Returns undefined if not all of it can be read: one bad sector must not make the whole store sick. */
function readPart(file: string, start: number, size: number): Buffer | undefined {
  const part = Buffer.allocUnsafeSlow(size);
  try {
    const descriptor = openSync(file, "r");
    try {
      return readSync(descriptor, part, 0, size, start) === size ? part : undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}
