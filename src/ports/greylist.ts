/** The memory of greylisting: read synchronously on the caller's own thread, written without waiting. */

export interface Sighting {
  /** When it was seen first, ms since 1970. */
  readonly firstAt: number;
  /** It came again after the delay. */
  readonly passed: boolean;
  /** Forgotten from here on. */
  readonly until: number;
}

export interface Greylist {
  /** What is known under a key, also what was noted a moment ago by this thread; may be over. */
  find(key: string): Sighting | undefined;
  /** Kept soon; lost when the store is out of order or the process dies first, which costs a client one more try. */
  note(key: string, sighting: Sighting): void;
  close(): void;
}
