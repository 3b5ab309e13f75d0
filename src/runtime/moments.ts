/** How far a time may lie that somebody gives, and whether its day is one. */

/** The end of the year 9999, in ms since 1970: a date of four digits tells no later time, and a `Date` not all of them. */
export const LAST_MOMENT = Date.UTC(10_000, 0, 1) - 1;

/** Whether a text such as `2027-01-31T18:00Z` begins with a day of the calendar; `Date.parse` makes 2 March of 30 February. */
export function beginsWithDay(text: string): boolean {
  const day = text.slice(0, "2027-01-31".length);
  const at = Date.parse(`${day}T00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
}
