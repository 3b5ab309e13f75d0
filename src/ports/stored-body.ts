/** The stored body differs from the accepted one. */
export class BodyDamaged extends Error {}

/** A stored body; `read` may be called again for another attempt. */
export interface Body {
  readonly size: number;
  /** Small bodies at once as a buffer, large ones piece by piece. Throws BodyDamaged. */
  read(): Buffer | BodySource;
  /** SHA-256 in hexadecimal of what was read last, once that was all of it. */
  digest(): string | undefined;
}

/** A large body, read into memory of the reader's, who alone knows when that may be used again. */
export interface BodySource {
  /**
   * Reads on into `target`; answers how many octets came, 0 at the end. Rejects with what the system says, and with
   * BodyDamaged instead of the end.
   */
  read(target: Buffer): Promise<number>;
  /** Nothing more is read. */
  close(): Promise<void>;
}
