/** Durations and sizes in the words that people use. */

const UNITS: readonly (readonly [name: string, milliseconds: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
];

/** A duration in ms as its two largest units: `3 d 4 h`, `3 h 12 min`, `12 s`; below a second `250 ms`. */
export function timeInWords(milliseconds: number): string {
  const whole = Math.max(0, Math.round(milliseconds));
  if (whole < 1000) return `${whole} ms`;
  const first = UNITS.findIndex(([, size]) => whole >= size);
  const [name, size] = UNITS[first] as (typeof UNITS)[number];
  const second = UNITS[first + 1];
  const large = `${Math.floor(whole / size)} ${name}`;
  if (second === undefined) return large;
  const small = Math.floor((whole % size) / second[1]);
  return small === 0 ? large : `${large} ${small} ${second[0]}`;
}

const PREFIXES = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A size in bytes with at most one decimal: `512 B`, `12 KiB`, `1.5 MiB`. */
export function sizeInWords(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(PREFIXES.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  const digits = power > 0 && value < 10 ? 1 : 0;
  return `${value.toFixed(digits).replace(/\.0$/, "")} ${PREFIXES[power]}`;
}
