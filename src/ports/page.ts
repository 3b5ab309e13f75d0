/** Lists that are returned one page at a time. */

export interface Page<T> {
  readonly items: readonly T[];
  /** Hand back to get the next page; absent on the last. */
  readonly next?: string;
}

/** The message of the error that a list ends with whose cursor is not one of its own. */
export const FOREIGN_CURSOR = "the cursor is not one of ours";
