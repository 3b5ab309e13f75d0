/** Checks on times that operators give: the latest possible time, and whether the day exists. */

/** The end of the year 9999, in ms since 1970: later years do not have four digits, and a `Date` has an end, too. */
export const LAST_MOMENT = Date.UTC(10_000, 0, 1) - 1;

/**
 * Says whether a text such as `2027-01-31T18:00Z` begins with an existing day; `Date.parse` reads 30 February as 2
 * March.
 */
export function beginsWithDay(text: string): boolean {
  const day = text.slice(0, "2027-01-31".length);
  const at = Date.parse(`${day}T00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
}
