/** Durations and sizes as text: written for people, and read from operators. */

const UNITS: readonly (readonly [name: string, milliseconds: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
];

/** Writes a duration (ms) with its two largest units: `3 d 4 h`, `3 h 12 min`, `12 s`; below a second `250 ms`. */
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

/** A size that an operator wrote in one of these units is shown in the same unit. */
const DECIMAL: readonly (readonly [name: string, bytes: number])[] = [
  ["TB", 1e12],
  ["GB", 1e9],
  ["MB", 1e6],
];

/**
 * Writes a size (bytes) with at most one decimal: `512 B`, `12 KiB`, `1.5 MiB`; whole millions as such: `50 MB`, `20
 * GB`.
 */
export function sizeInWords(bytes: number): string {
  const decimal = bytes > 0 ? DECIMAL.find(([, unit]) => bytes % unit === 0) : undefined;
  if (decimal !== undefined) return `${bytes / decimal[1]} ${decimal[0]}`;
  const power = bytes < 1024 ? 0 : Math.min(PREFIXES.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  const digits = power > 0 && value < 10 ? 1 : 0;
  return `${value.toFixed(digits).replace(/\.0$/, "")} ${PREFIXES[power]}`;
}

/** `1 recipient`, `3 recipients`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** Reads a text such as `30d` or `1h30m`; returns milliseconds, or undefined if it is not a duration. */
export function readDuration(text: string): number | undefined {
  if (!/^(\d{1,9}(\.\d{1,3})?(ms|[smhdw]))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/([\d.]+)(ms|[smhdw])/g)];
  const sum = parts.reduce(
    (all, [, count, unit = ""]) => all + Number(count) * (DURATION_UNITS[unit] ?? 0),
    0,
  );
  return Math.round(sum);
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/**
 * Reads a text such as `50MB`, `64KiB` or `1024`; returns bytes, or undefined if it is not a size. A fraction needs a
 * unit: there are no parts of a byte.
 */
export function readSize(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,3}(?= ?[kmgt]))?) ?([kmgt]i?b|b)?$/i.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * (SIZE_UNITS[(match[2] ?? "b").toLowerCase()] ?? 1));
}
