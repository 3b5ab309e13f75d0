import { randomFillSync } from "node:crypto";

/** Crockford's alphabet, lower case: sorts as it counts, no letters that look alike. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/**
 * Makes mail ids: 16 characters, 48 bits of time in milliseconds and 32 random bits that count upwards within
 * one millisecond. Ids sort by time and do not collide between threads or nodes.
 */
export function idSource(now: () => number): () => string {
  let lastTime = 0;
  let head = encode(0, 10);
  let tail = 0;
  return () => {
    const time = now();
    if (time > lastTime) {
      lastTime = time;
      head = encode(time, 10);
      // The top bit stays free, so that counting up within the millisecond never overflows.
      tail = random() >>> 1;
    } else {
      tail += 1;
    }
    return head + encode(tail, 7).slice(1);
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
