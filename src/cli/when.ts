/** Times to come, as operators write them. */
import { beginsWithDay, LAST_MOMENT } from "../runtime/moments.ts";
import { readDuration } from "../runtime/quantities.ts";
import { WrongUse } from "./command.ts";

const DAY = "2026-11-22";

/** Milliseconds of a text such as `90m`, or as the tool itself writes it, `1 h 30 min`; undefined when it is none. */
export function spanOf(text: string): number | undefined {
  return readDuration(text.replaceAll(" ", "").replaceAll("min", "m"));
}

/** `90m`, `2h`, `3d` from now, or a time such as `2026-11-22T08:00`; in ms since 1970. Throws WrongUse. */
export function timeToCome(option: string, text: string, now: number): number {
  const span = spanOf(text);
  const at = span === undefined ? pointInTime(option, text) : now + span;
  if (at <= now) throw new WrongUse(`--${option}: ${text} is over already`);
  return notTooFar(option, text, at);
}

/** The time that the text means; throws WrongUse where no date could tell it. */
export function notTooFar(option: string, text: string, at: number): number {
  if (at <= LAST_MOMENT) return at;
  throw new WrongUse(`--${option}: ${text} leads beyond the year 9999; without --${option} there is no end`);
}

/** Without a zone it is the local time of the tool, a day alone its beginning there. */
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
