import { randomFillSync } from "node:crypto";

/** Crockford's alphabet, lower case: sorts as it counts, no letters that look alike. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** Characters for the milliseconds since 1970, and for what counts within one of them. */
const TIME = 10;
const COUNT = 6;
/** Left above where a millisecond begins, so that counting never overflows: with the clock set back it goes on for hours. */
const ROOM = 2 ** 26;
const BEGINS_BELOW = 32 ** COUNT - ROOM;

/**
 * Makes mail ids: 16 characters, 50 bits of time in milliseconds and 30 that begin at random and count upwards within
 * one millisecond. Ids sort by time, and those of other threads or nodes hardly ever collide.
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

/** 32 random bits; the system is asked for many at a time. */
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
