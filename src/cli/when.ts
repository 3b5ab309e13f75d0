/** Times to come, as operators write them. */
import { readDuration } from "../runtime/quantities.ts";
import { WrongUse } from "./command.ts";

const DAY = "2026-11-22";

/** Milliseconds of a text such as `90m`, or as the tool itself writes it, `1 h 30 min`; undefined when it is none. */
export function spanOf(text: string): number | undefined {
  return readDuration(text.replaceAll(" ", "").replaceAll("min", "m"));
}

/** `90m`, `2h`, `3d` from now, or a time such as `2026-11-22T08:00`; in ms since 1970. */
export function timeToCome(option: string, text: string, now: number): number {
  const span = spanOf(text);
  const at = span === undefined ? pointInTime(text) : now + span;
  if (Number.isNaN(at))
    throw new WrongUse(`--${option} takes 90m, 2h, 3d or a time such as 2026-11-22T08:00, not ${text}`);
  if (at <= now) throw new WrongUse(`--${option}: ${text} is over already`);
  return at;
}

/** Without a zone it is the local time of the tool, a day alone its beginning there. */
function pointInTime(text: string): number {
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return NaN;
  return Date.parse(text.length === DAY.length ? `${text}T00:00` : text.replace(" ", "T"));
}
