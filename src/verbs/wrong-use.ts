/** The exit code of wrong use, and of a wrong configuration; the tool has the same. */
export const WRONG_USE = 2;

/** Says what is wrong with what was asked for; answers the exit code. */
export function complain(text: string): number {
  process.stderr.write(text);
  return WRONG_USE;
}
