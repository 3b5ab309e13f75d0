/** Recipients in the order of lists, by when their state began, then by mail and position: read a page at a time. */

/** A place in that order. */
export type Place = readonly [since: number, mail: number, n: number];

export const START: Place = [-1, -1, -1];

/** Ends a statement that reads what comes behind a place; the number of rows follows. */
export const PAGE = "AND (since, mail, n) > (?, ?, ?) ORDER BY since, mail, n LIMIT";

interface Placed {
  readonly since: number;
  readonly mail: number;
  readonly n: number;
}

export function placeOfRow({ since, mail, n }: Placed): Place {
  return [since, mail, n];
}

/** Page after page, until `read` finds nothing behind the last. */
export function* pages<R extends Placed>(read: (after: Place) => readonly R[]): Generator<readonly R[]> {
  let place = START;
  for (;;) {
    const rows = read(place);
    const last = rows.at(-1);
    if (last === undefined) return;
    place = placeOfRow(last);
    yield rows;
  }
}
