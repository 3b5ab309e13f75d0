/** Cursors of lists: a position in the order of a list, as opaque text. */
import { FOREIGN_CURSOR } from "../../../../ports/page.ts";

export function encodeCursor(place: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** Throws FOREIGN_CURSOR if the text is not a cursor of this list. */
export function decodeCursor<T>(cursor: string, isOurs: (place: unknown) => place is T): T {
  let place: unknown;
  try {
    place = JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    throw new Error(FOREIGN_CURSOR);
  }
  if (!isOurs(place)) throw new Error(FOREIGN_CURSOR);
  return place;
}
