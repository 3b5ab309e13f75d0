/** The exit code for wrong use and for a wrong configuration; the command-line tool uses the same. */
export const WRONG_USE = 2;

/** Prints what is wrong with the command line; returns the exit code. */
export function complain(text: string): number {
  process.stderr.write(text);
  return WRONG_USE;
}
