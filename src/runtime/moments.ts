/** Bounds on the times that people give: how late they may be, and whether their day exists. */

/** The end of the year 9999, in ms since 1970: years of four digits go no further, and a `Date` not for ever. */
export const LAST_MOMENT = Date.UTC(10_000, 0, 1) - 1;

/** Whether a text such as `2027-01-31T18:00Z` begins with a day of the calendar; `Date.parse` makes 2 March of 30 February. */
export function beginsWithDay(text: string): boolean {
  const day = text.slice(0, "2027-01-31".length);
  const at = Date.parse(`${day}T00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
}
