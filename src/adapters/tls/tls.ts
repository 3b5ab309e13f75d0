/**
 * The certificate that SMTP clients see: read from files, watched, handed to whoever subscribed when it changes.
 *
 * The files are looked at once a minute by size, time and inode, so that a file replaced by renaming, a changed
 * link and a slow network disk are all seen. A pair of files is replaced one after the other: trouble is told
 * when it is still there at the next look.
 *
 * Invariants: what is handed out is complete and belongs together; files that cannot be used leave the old
 * certificate in place. A certificate that has ended is used and warned of: senders mostly do not look.
 */
import { stat } from "node:fs/promises";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { errorText } from "../../runtime/log.ts";
import type { TlsFiles, TlsMaterial } from "./material.ts";
import { readTls } from "./material.ts";

export type { TlsFiles, TlsMaterial, TlsReading } from "./material.ts";
export { readTls } from "./material.ts";

export interface CertificateParts {
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often the files are looked at, in ms. */
const LOOK = 60_000;
const DAY = 86_400_000;
/** Warned of before the end, in ms. */
const WARNING = 14 * DAY;

/** Reads the files, if any are named, and watches them. Rejects with a sentence for the operator. */
export async function openCertificate(
  files: TlsFiles | undefined,
  parts: CertificateParts,
): Promise<Certificate> {
  const certificate = new Certificate(parts);
  try {
    await certificate.use(files);
  } catch (error) {
    certificate.close();
    throw error;
  }
  return certificate;
}

export class Certificate {
  readonly #parts: CertificateParts;
  readonly #listeners: ((material: TlsMaterial | undefined) => void)[] = [];
  #files: TlsFiles | undefined;
  #material: TlsMaterial | undefined;
  #expiresAt: number | undefined;
  /** What the files looked like when they were last read in full. */
  #seen = "";
  /** Trouble at the last look, and whether it was told. */
  #trouble: { readonly why: string; told: boolean } | undefined;
  #warnedAt = 0;
  #timer: Timer;

  constructor(parts: CertificateParts) {
    this.#parts = parts;
    this.#timer = this.#lookLater();
  }

  /** The material in use; undefined without TLS. */
  current(): TlsMaterial | undefined {
    return this.#material;
  }

  /** When the certificate in use ends, ms since 1970. */
  expiresAt(): number | undefined {
    return this.#expiresAt;
  }

  /** Runs `listener` after each change found while watching; not for `use`. */
  onChange(listener: (material: TlsMaterial | undefined) => void): void {
    this.#listeners.push(listener);
  }

  /** Reads other files without using them; rejects with a sentence that names file and reason. */
  async check(files: TlsFiles | undefined): Promise<TlsMaterial | undefined> {
    if (files === undefined) return undefined;
    const reading = await readTls(files);
    if (reading.kind === "broken") throw new Error(reading.why);
    return reading.material;
  }

  /** Uses other files, or none, from here on; rejects as `check` does and then changes nothing. */
  async use(files: TlsFiles | undefined): Promise<void> {
    const seen = files === undefined ? "" : await appearance(files);
    const reading = files === undefined ? undefined : await readTls(files);
    if (reading?.kind === "broken") throw new Error(reading.why);
    this.#files = files;
    this.#seen = seen;
    this.#material = reading?.material;
    this.#expiresAt = reading?.expiresAt;
    this.#trouble = undefined;
    this.#warnedAt = 0;
    this.#warn();
  }

  close(): void {
    this.#timer.cancel();
    this.#listeners.length = 0;
  }

  /** Looks at the files once; the watch does so each minute. */
  async look(): Promise<void> {
    const files = this.#files;
    if (files === undefined) return;
    this.#warn();
    const seen = await appearance(files);
    if (seen === this.#seen || files !== this.#files) return;
    const reading = await readTls(files);
    if (files !== this.#files) return;
    if (reading.kind === "broken") return this.#complain(reading.why);
    this.#seen = seen;
    this.#trouble = undefined;
    const same = reading.material.certificate === this.#material?.certificate;
    if (same && reading.material.key === this.#material?.key) return;
    this.#material = reading.material;
    this.#expiresAt = reading.expiresAt;
    this.#parts.log.info("tls.certificate.changed", {
      file: files.certificate,
      until: isoDate(reading.expiresAt),
    });
    for (const listener of this.#listeners) listener(this.#material);
  }

  #lookLater(): Timer {
    return this.#parts.clock.after(LOOK, () => {
      this.#timer = this.#lookLater();
      this.look().catch((error: unknown) => this.#complain(errorText(error)));
    });
  }

  #complain(why: string): void {
    if (this.#trouble?.why !== why) {
      this.#trouble = { why, told: false };
      return;
    }
    if (!this.#trouble.told) this.#parts.log.error("tls.certificate.kept", { why });
    this.#trouble.told = true;
  }

  #warn(): void {
    const now = this.#parts.clock.now();
    const end = this.#expiresAt;
    if (end === undefined || end - now > WARNING || now - this.#warnedAt < DAY) return;
    this.#warnedAt = now;
    const message = end <= now ? "tls.certificate.expired" : "tls.certificate.expiring";
    this.#parts.log.warn(message, { file: this.#files?.certificate, until: isoDate(end) });
  }
}

function isoDate(at: number): string {
  return new Date(at).toISOString();
}

/** What two files look like from outside; a missing file has a look of its own. */
async function appearance(files: TlsFiles): Promise<string> {
  const looks = [files.certificate, files.key].map((file) =>
    stat(file).then(
      ({ ino, size, mtimeMs }) => `${ino}:${size}:${mtimeMs}`,
      () => "missing",
    ),
  );
  return (await Promise.all(looks)).join(" ");
}
