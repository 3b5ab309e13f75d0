/** Times to come, as operators write them. */
import { WrongUse } from "./command.ts";

const DAY = "2026-11-22";

const UNITS: Readonly<Record<string, number>> = { m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90min`, `2h`, `3d` from now, or a time such as `2026-11-22T08:00`; in ms since 1970. */
export function timeToCome(option: string, text: string, now: number): number {
  const amount = /^(\d{1,6}) ?(m|min|h|d)$/.exec(text);
  const unit = UNITS[amount?.[2] ?? ""];
  const at = unit === undefined ? pointInTime(text) : now + Number(amount?.[1]) * unit;
  if (Number.isNaN(at))
    throw new WrongUse(`--${option} takes 90min, 2h, 3d or a time such as 2026-11-22T08:00, not ${text}`);
  if (at <= now) throw new WrongUse(`--${option}: ${text} is over already`);
  return at;
}

/** Without a zone it is the local time of the tool, a day alone its beginning there. */
function pointInTime(text: string): number {
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return NaN;
  return Date.parse(text.length === DAY.length ? `${text}T00:00` : text.replace(" ", "T"));
}
