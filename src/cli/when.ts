/** Reads future times as operators write them. */
import { beginsWithDay, LAST_MOMENT } from "../runtime/moments.ts";
import { readDuration } from "../runtime/quantities.ts";
import { WrongUse } from "./command.ts";

const DAY = "2026-11-22";

/**
 * Reads a text such as `90m`, or `1 h 30 min` as the tool itself writes it; returns ms, or undefined if it is not a
 * duration.
 */
export function spanOf(text: string): number | undefined {
  return readDuration(text.replaceAll(" ", "").replaceAll("min", "m"));
}

/** Reads `90m`, `2h`, `3d` from now, or a time such as `2026-11-22T08:00`; returns ms since 1970. Throws WrongUse. */
export function timeToCome(option: string, text: string, now: number): number {
  const span = spanOf(text);
  const at = span === undefined ? pointInTime(option, text) : now + span;
  if (at <= now) throw new WrongUse(`--${option}: ${text} is over already`);
  return notTooFar(option, text, at);
}

/** Returns the time `at`; throws WrongUse if no date could express it. */
export function notTooFar(option: string, text: string, at: number): number {
  if (at <= LAST_MOMENT) return at;
  throw new WrongUse(`--${option}: ${text} leads beyond the year 9999; without --${option} there is no end`);
}

/** Reads a point in time: without a zone in the tool's local time; a day alone means its beginning. */
function pointInTime(option: string, text: string): number {
  const isDate = /^\d{4}-\d{2}-\d{2}/.test(text);
  if (isDate && !beginsWithDay(text))
    throw new WrongUse(`--${option}: there is no day ${text.slice(0, DAY.length)}`);
  // The tool itself writes `2026-11-22 08:00:00 +01:00`.
  const point = text.replace(" ", "T").replace(" ", "");
  const at = isDate ? Date.parse(text.length === DAY.length ? `${text}T00:00` : point) : NaN;
  if (!Number.isNaN(at)) return at;
  throw new WrongUse(`--${option} takes 90m, 2h, 3d or a time such as 2026-11-22T08:00, not ${text}`);
}
