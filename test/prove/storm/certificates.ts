/** The certificates of the storm: those of primaries, of which one is in order, and those that clients see. */
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Random } from "../../support/random.ts";
import { makeCertificate, type TestCertificate } from "../../support/test-certificate.ts";

/** Days: longer than all clocks of a storm go. */
const LIVES = 3000;

interface PrimaryCertificate {
  readonly key: string;
  readonly cert: string;
}

export class Certificates {
  /** What the daemon trusts, in PEM. */
  readonly anchors: string;
  readonly right: PrimaryCertificate;
  /** Of another name, and of somebody whom nobody trusts. */
  readonly wrong: readonly PrimaryCertificate[];
  readonly #doors: readonly TestCertificate[];
  readonly #files: { readonly certificate: string; readonly key: string };

  private constructor(folder: string, made: readonly TestCertificate[]) {
    const [right, other, stranger, ...doors] = made as [TestCertificate, TestCertificate, TestCertificate];
    this.anchors = `${right.certificate}\n${other.certificate}`;
    this.right = asPrimary(right);
    this.wrong = [asPrimary(other), asPrimary(stranger)];
    this.#doors = doors;
    this.#files = { certificate: join(folder, "door.pem"), key: join(folder, "door.key") };
  }

  static async make(folder: string): Promise<Certificates> {
    const made = await Promise.all([
      makeCertificate("right", LIVES, ["*.storm.test"]),
      makeCertificate("other", LIVES, ["other.test"]),
      makeCertificate("stranger", LIVES, ["*.storm.test"]),
      makeCertificate("mx2.holdfast.test", LIVES),
      makeCertificate("mx2.holdfast.test", LIVES),
    ]);
    return new Certificates(folder, made);
  }

  /** Puts one of its pairs where the daemon finds it; `smtp.tls` of the configuration. */
  async renew(random: Random): Promise<{ readonly certificate: string; readonly key: string }> {
    const { certificate, key } = random.pick(this.#doors);
    // Whoever looks between the two finds a pair that does not fit.
    await replaceFile(this.#files.certificate, certificate);
    await replaceFile(this.#files.key, key);
    return this.#files;
  }
}

function asPrimary({ certificate, key }: TestCertificate): PrimaryCertificate {
  return { cert: certificate, key };
}

/** As editors do: nobody finds half of it. */
export async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
