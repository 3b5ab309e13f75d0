/** How long what is known of an address counts, in ms. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A primary took it. */
export const ACCEPTED_FOR = 31 * DAY;
/** A primary has no such mailbox. */
export const REFUSED_FOR = 2 * HOUR;
/** From this age on it is asked anew while it still counts. */
export const ACCEPTED_STALE = 7 * DAY;
export const REFUSED_STALE = HOUR;
/** A mailbox that existed lately is put off for this long, before its refusal is passed on as one for good. */
export const DOUBTED_FOR = DAY;
