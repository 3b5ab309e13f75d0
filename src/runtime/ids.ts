import { randomFillSync } from "node:crypto";

/** Crockford's alphabet in lower case: sorts in numerical order, and has no letters that look alike. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** Characters for the milliseconds since 1970, and for the counter within one millisecond. */
const TIME = 10;
const COUNT = 6;
/**
 * Kept free above the random start of the counter, so that counting never overflows: if the clock is set back, the
 * counter can go on for hours.
 */
const ROOM = 2 ** 26;
const BEGINS_BELOW = 32 ** COUNT - ROOM;

/**
 * Makes mail ids: 16 characters, with 50 bits of time in milliseconds and 30 bits that start at random and count
 * upwards within one millisecond. Ids sort by time; collisions with ids of other threads or nodes are very unlikely.
 */
export function idSource(now: () => number): () => string {
  let lastTime = 0;
  let head = encode(0, TIME);
  let tail = 0;
  return () => {
    const time = now();
    if (time > lastTime) {
      lastTime = time;
      head = encode(time, TIME);
      tail = random() % BEGINS_BELOW;
    } else {
      tail += 1;
    }
    return head + encode(tail, COUNT);
  };
}

/** Returns 32 random bits; asks the system for many at a time. */
const random = (() => {
  const pool = new Uint32Array(256);
  let used = pool.length;
  return (): number => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    return pool[used++] ?? 0;
  };
})();

function encode(value: number, length: number): string {
  let text = "";
  let rest = value;
  for (let i = 0; i < length; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
