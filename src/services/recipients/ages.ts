/** For how long knowledge about an address is valid, in ms. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A primary accepted it. */
export const ACCEPTED_FOR = 31 * DAY;
/** A primary has no such mailbox. */
export const REFUSED_FOR = 2 * HOUR;
/** From this age on the primary is asked again, while the knowledge is still valid. */
export const ACCEPTED_STALE = 7 * DAY;
export const REFUSED_STALE = HOUR;
/** A mailbox that existed recently gets 4xx for this long, before its refusal becomes a 5xx. */
export const DOUBTED_FOR = DAY;
