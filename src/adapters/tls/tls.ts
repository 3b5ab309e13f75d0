/**
 * The certificates that SMTP clients see: read from files, watched, and passed to subscribers when one changes. The
 * first one is for clients that name no server, or none that matches.
 *
 * Size, time and inode of the files are checked once a minute, so that a file replaced by renaming, a changed link and
 * a slow network disk are all noticed. The two files of a pair are replaced one after the other, so a mismatch is
 * reported only if it is still there at the next check.
 *
 * Invariants: a certificate and key that are passed on are complete and belong together; unusable files leave the old
 * certificate in place and do not delay the others. An expired certificate is used, with a warning, because most
 * senders do not check it.
 */
import type { Timer } from "../../runtime/clock.ts";
import { errorText } from "../../runtime/log.ts";
import { readTls, type TlsFiles, type TlsMaterial } from "./material.ts";
import { type CertificateParts, openPair, type WatchedPair } from "./watched-pair.ts";

export type { TlsFiles } from "./material.ts";
export { certificateLine, readTls } from "./material.ts";

/** How often the files are checked, in ms. */
const LOOK = 60_000;

/** What operators see of one certificate. */
interface CertificateFacts {
  readonly file: string;
  readonly names: readonly string[];
  /** When the certificate expires, in ms since 1970. */
  readonly expiresAt: number;
  /** Why the files, as they are now, cannot be used; absent if they are in use. */
  readonly trouble?: string;
}

/** Reads the files, if any are configured, and watches them. Rejects with a sentence for the operator. */
export async function openCertificates(
  files: readonly TlsFiles[] | undefined,
  parts: CertificateParts,
): Promise<Certificates> {
  const certificates = new Certificates(parts);
  try {
    await certificates.use(files);
  } catch (error) {
    certificates.close();
    throw error;
  }
  return certificates;
}

export class Certificates {
  readonly #parts: CertificateParts;
  readonly #listeners: ((material: readonly TlsMaterial[] | undefined) => void)[] = [];
  #pairs: readonly WatchedPair[] = [];
  #timer: Timer;
  #looking = false;

  constructor(parts: CertificateParts) {
    this.#parts = parts;
    this.#timer = this.#lookLater();
  }

  /** The material in use, the default first; undefined without TLS. */
  current(): readonly TlsMaterial[] | undefined {
    return this.#pairs.length === 0 ? undefined : this.#pairs.map(({ material }) => material);
  }

  /** The certificates in use. */
  facts(): readonly CertificateFacts[] {
    return this.#pairs.map(({ files, material, expiresAt, trouble }) => ({
      file: files.certificate,
      names: material.names,
      expiresAt,
      ...(trouble !== undefined && { trouble }),
    }));
  }

  /** Calls `listener` after each change of the files in use; not after `use`. */
  onChange(listener: (material: readonly TlsMaterial[] | undefined) => void): void {
    this.#listeners.push(listener);
  }

  /** Reads other files without using them; rejects with a sentence that contains the file and the reason. */
  async check(files: readonly TlsFiles[] | undefined): Promise<readonly TlsMaterial[] | undefined> {
    if (files === undefined) return undefined;
    return Promise.all(
      files.map(async (pair) => {
        const reading = await readTls(pair);
        if (reading.kind === "broken") throw new Error(reading.why);
        return reading.material;
      }),
    );
  }

  /** Switches to other files, or to none; rejects like `check` and then changes nothing. */
  async use(files: readonly TlsFiles[] | undefined): Promise<void> {
    const pairs = await Promise.all((files ?? []).map((pair) => openPair(pair, this.#parts)));
    this.#pairs = pairs;
    for (const pair of pairs) pair.warn();
  }

  close(): void {
    this.#timer.cancel();
    this.#listeners.length = 0;
  }

  /** Checks the files once; the timer calls this once a minute. */
  async look(): Promise<void> {
    const pairs = this.#pairs;
    const changed = await Promise.all(pairs.map((pair) => pair.look()));
    if (pairs !== this.#pairs || !changed.includes(true)) return;
    for (const listener of this.#listeners) listener(this.current());
  }

  #lookLater(): Timer {
    return this.#parts.clock.after(LOOK, () => {
      this.#timer = this.#lookLater();
      void this.#watch();
    });
  }

  /** At most one check at a time: if the disk does not respond, each blocks a thread that log and alerts need, too. */
  async #watch(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    await this.look().catch((error: unknown) =>
      this.#parts.log.error("tls.certificate.kept", { why: errorText(error) }),
    );
    this.#looking = false;
  }
}
