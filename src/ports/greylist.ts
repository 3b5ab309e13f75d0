/** The memory of greylisting: read synchronously on the caller's own thread, written without waiting. */

export interface Sighting {
  /** When it was seen first, ms since 1970. */
  readonly firstAt: number;
  /** The client returned after the delay. */
  readonly passed: boolean;
  /** When it is forgotten, ms since 1970. */
  readonly until: number;
}

export interface Greylist {
  /** Returns what is known under a key, including notes of this thread that are not stored yet; it may have expired. */
  find(key: string): Sighting | undefined;
  /** Stored soon; lost if the store fails or the process dies first, which costs a client one more attempt. */
  note(key: string, sighting: Sighting): void;
  close(): void;
}
