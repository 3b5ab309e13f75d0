/** Returns a 32-bit hash; the secret seed keeps strangers from choosing texts that collide. */
export function seededHash(text: string, seed: number): number {
  let value = seed ^ text.length;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x5bd1e995);
    value ^= value >>> 15;
  }
  value = Math.imul(value ^ (value >>> 13), 0x2c1b3c6d);
  return value ^ (value >>> 16);
}
