/** A certificate with its key: the files are checked periodically, and used once both are valid and belong together. */
import { stat } from "node:fs/promises";
import type { Journal } from "../../ports/journal.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { readTls, type TlsFiles, type TlsMaterial } from "./material.ts";

export interface CertificateParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly journal: Journal;
}

const DAY = 86_400_000;
/** How long before expiry the warnings begin, in ms. */
const WARNING = 14 * DAY;

/** Reads both files; rejects with a sentence that contains the file and the reason. */
export async function openPair(files: TlsFiles, parts: CertificateParts): Promise<WatchedPair> {
  const seen = await appearance(files);
  const reading = await readTls(files);
  if (reading.kind === "broken") throw new Error(reading.why);
  return new WatchedPair(files, parts, { ...reading, seen });
}

interface State {
  readonly material: TlsMaterial;
  readonly expiresAt: number;
  /** The `appearance` of the files when they were last read in full. */
  readonly seen: string;
}

export class WatchedPair {
  readonly files: TlsFiles;
  readonly #parts: CertificateParts;
  #state: State;
  /** Why the files could not be used at the last check, and whether this was reported. */
  #trouble: { readonly why: string; told: boolean } | undefined;
  /** When the last warning about expiry was logged, in elapsed time. */
  #warnedAt = -Infinity;

  constructor(files: TlsFiles, parts: CertificateParts, state: State) {
    this.files = files;
    this.#parts = parts;
    this.#state = state;
  }

  get material(): TlsMaterial {
    return this.#state.material;
  }

  /** When the certificate in use expires, in ms since 1970. */
  get expiresAt(): number {
    return this.#state.expiresAt;
  }

  /** Why the files, as they are now, cannot be used; undefined if they are in use. */
  get trouble(): string | undefined {
    return this.#trouble?.told === true ? this.#trouble.why : undefined;
  }

  /** Checks the files once; returns true if a new certificate or key is in use now. */
  async look(): Promise<boolean> {
    this.warn();
    const seen = await appearance(this.files);
    const reading = seen === this.#state.seen ? undefined : await readTls(this.files);
    if (reading?.kind === "broken") return this.#complain(reading.why);
    this.#trouble = undefined;
    if (reading === undefined) return false;
    const { certificate, key } = this.material;
    this.#state = { ...reading, seen };
    if (certificate === reading.material.certificate && key === reading.material.key) return false;
    const facts = { file: this.files.certificate, until: isoDate(reading.expiresAt) };
    this.#parts.log.info("tls.certificate.changed", facts);
    return true;
  }

  /** Logs a warning, at most once a day, if the certificate expires soon or has expired. */
  warn(): void {
    const { clock, log } = this.#parts;
    const now = clock.now();
    const end = this.expiresAt;
    if (end - now > WARNING || clock.elapsed() - this.#warnedAt < DAY) return;
    this.#warnedAt = clock.elapsed();
    const message = end <= now ? "tls.certificate.expired" : "tls.certificate.expiring";
    log.warn(message, { file: this.files.certificate, until: isoDate(end) });
  }

  #complain(why: string): false {
    if (this.#trouble?.why !== why) {
      this.#trouble = { why, told: false };
      return false;
    }
    if (this.#trouble.told) return false;
    this.#trouble.told = true;
    const { files, expiresAt } = this;
    this.#parts.journal.record({ kind: "certificate.stuck", file: files.certificate, why, expiresAt });
    return false;
  }
}

function isoDate(at: number): string {
  return new Date(at).toISOString();
}

/** Inode, size and modification time of both files as one text, to detect changes; `missing` for a missing file. */
async function appearance(files: TlsFiles): Promise<string> {
  const looks = [files.certificate, files.key].map((file) =>
    stat(file).then(
      ({ ino, size, mtimeMs }) => `${ino}:${size}:${mtimeMs}`,
      () => "missing",
    ),
  );
  return (await Promise.all(looks)).join(" ");
}
