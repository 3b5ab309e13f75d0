/** Durations in the words that people use. */

const UNITS: readonly (readonly [name: string, milliseconds: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
];

/** A duration in ms as its two largest units: `3 d 4 h`, `3 h 12 min`, `12 s`; below a second `250 ms`. */
export function inWords(milliseconds: number): string {
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
