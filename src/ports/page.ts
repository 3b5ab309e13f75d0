/** Lists that are returned one page at a time. */

export interface Page<T> {
  readonly items: readonly T[];
  /** The cursor for the next page; absent on the last one. */
  readonly next?: string;
}

/** The message of the error that a list throws for a cursor that it did not issue. */
export const FOREIGN_CURSOR = "the cursor is not one of ours";
