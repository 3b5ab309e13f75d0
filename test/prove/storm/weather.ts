/** What changes around the daemon: primaries, names, lists, scanners. */
export interface Weather {
  /** Other conduct, for a while. */
  change(): Promise<void>;
  /** Well again, and there. */
  mend(): Promise<void>;
}
