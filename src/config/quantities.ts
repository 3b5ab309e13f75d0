/** Numbers, durations and sizes, each with its bounds in the words of the configuration. */
import { readDuration, readSize } from "../runtime/quantities.ts";
import { quoted } from "./problem.ts";
import { scalar, type Reading, type Scalar } from "./scalars.ts";
import type { Reserve } from "./shape.ts";

export function integer(least: number, most: number): Scalar<number> {
  const range = `${least} to ${most}`;
  const json = { type: "integer", minimum: least, maximum: most };
  return scalar({ type: `number, ${range}`, expected: `a whole number from ${range}`, json }, (text) =>
    /^\d+$/.test(text)
      ? between(Number(text), least, most, text)
      : { wrong: `${quoted(text)} is not a whole number` },
  );
}

/** A whole number, or `off`; `what` names it in messages. */
export function integerOrOff(least: number, most: number, what: string): Scalar<number | "off"> {
  const range = `${least} to ${most}`;
  const notation = {
    type: `number, ${range}, or \`off\``,
    expected: `a whole number from ${range}, or off`,
    json: { type: ["integer", "string"] },
  };
  return scalar<number | "off">(notation, (text) => {
    if (text === "off") return { value: text };
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    return value >= least && value <= most ? { value } : { wrong: `${quoted(text)} is not a ${what}` };
  });
}

/** Examples for messages; only those within the bounds are shown. */
const DURATIONS = ["5s", "90s", "5m", "12h", "30d"];
const SIZES = ["50MB", "64KiB", "2GB"];

function fits(read: (text: string) => number | undefined, least: number, most: number) {
  return (text: string): boolean => {
    const value = read(text) ?? NaN;
    return value >= least && value <= most;
  };
}

/** `a, b or c`. */
function listed(texts: readonly string[]): string {
  const [last = ""] = texts.slice(-1);
  return texts.length < 2 ? last : `${texts.slice(0, -1).join(", ")} or ${last}`;
}

export function duration(least: string, most: string): Scalar<number> {
  const [from, to] = [readDuration(least) ?? 0, readDuration(most) ?? 0];
  const range = `${least} to ${most}`;
  const notation = {
    type: `duration, ${range}`,
    expected: `a duration from ${range}, such as ${listed(DURATIONS.filter(fits(readDuration, from, to)).slice(-4))}`,
    json: { type: "string", pattern: "^(\\d+(\\.\\d+)?(ms|[smhdw]))+$" },
  };
  return scalar(notation, (text) => {
    const value = readDuration(text);
    if (value !== undefined) return between(value, from, to, text);
    return {
      wrong: /^\d+$/.test(text) ? `${quoted(text)} has no unit` : `${quoted(text)} is not a duration`,
    };
  });
}

export function size(least: string, most: string): Scalar<number> {
  const [from, to] = [readSize(least) ?? 0, readSize(most) ?? 0];
  const range = `${least} to ${most}`;
  const notation = {
    type: `size, ${range}`,
    expected: `a size from ${range}, such as ${listed(SIZES.filter(fits(readSize, from, to)).slice(0, 2))}`,
    json: { type: ["string", "integer"], pattern: "^(\\d+ ?[bB]?|\\d+(\\.\\d+)? ?[kKmMgGtT][iI]?[bB])$" },
  };
  return scalar(notation, (text) => {
    const value = readSize(text);
    return value === undefined ? { wrong: `${quoted(text)} is not a size` } : between(value, from, to, text);
  });
}

/** A percentage of the disk, or a fixed size. */
export function reserve(): Scalar<Reserve> {
  const notation = {
    type: "percent, 0% to 50%, or size",
    expected: "a share of the disk from 0% to 50%, or a size such as 2GB",
    json: { type: ["string", "integer"] },
  };
  return scalar<Reserve>(notation, (text) => {
    // A percentage whose sign was forgotten would be a reserve of a few bytes.
    if (/^\d+$/.test(text) && Number(text) !== 0) return { wrong: `${quoted(text)} has no unit` };
    const bytes = readSize(text);
    if (bytes !== undefined) return { value: { bytes } };
    const percent = readPercent(text);
    if (percent === undefined) return { wrong: `${quoted(text)} is neither a percentage nor a size` };
    const checked = between(percent, 0, 50, text);
    return "value" in checked ? { value: { percent: checked.value } } : checked;
  });
}

/** A percentage, as a number from 0 to 1. */
export function share(least: number, most: number): Scalar<number> {
  const notation = {
    type: `percent, ${least}% to ${most}%`,
    expected: `a percentage from ${least}% to ${most}%`,
    json: { type: "string" },
  };
  return scalar(notation, (text) => {
    const percent = readPercent(text);
    if (percent === undefined) return { wrong: `${quoted(text)} is not a percentage` };
    const checked = between(percent, least, most, text);
    return "value" in checked ? { value: checked.value / 100 } : checked;
  });
}

function readPercent(text: string): number | undefined {
  const [, percent] = /^(\d{1,3}(?:\.\d{1,3})?) ?%$/.exec(text) ?? [];
  return percent === undefined ? undefined : Number(percent);
}

function between(value: number, least: number, most: number, text: string): Reading<number> {
  if (value < least) return { wrong: `${quoted(text)} is too small` };
  return value > most ? { wrong: `${quoted(text)} is too large` } : { value };
}
