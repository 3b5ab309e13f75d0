/** Reads recipients page by page, ordered by when their state began, then by mail and position in the mail. */

/** A place in that order. */
export type Place = readonly [since: number, mail: number, n: number];

export const START: Place = [-1, -1, -1];

/** End of a statement that reads the rows behind a place; the number of rows follows. */
export const PAGE = "AND (since, mail, n) > (?, ?, ?) ORDER BY since, mail, n LIMIT";

interface Placed {
  readonly since: number;
  readonly mail: number;
  readonly n: number;
}

export function placeOfRow({ since, mail, n }: Placed): Place {
  return [since, mail, n];
}

/** Yields page after page until `read` returns no more rows. */
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
