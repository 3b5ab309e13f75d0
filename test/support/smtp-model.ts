/** What RFC 5321 §4.1.4 and RFC 3030 §2 let a client do, in the plainest words: the reference for random walks. */
export class SmtpModel {
  greeted = false;
  mail = false;
  recipients = 0;
  chunking = false;
  /** What a chunk was refused with. */
  refused: number | undefined;

  reset(): void {
    this.mail = false;
    this.refused = undefined;
    this.chunking = false;
    this.recipients = 0;
  }

  /** The code that a step must get; `BDAT:text` and `BDAT LAST:text` carry their octets. */
  expect(step: string): number {
    if (step.startsWith("EHLO") || step.startsWith("HELO")) {
      this.greeted = true;
      this.reset();
      return 250;
    }
    if (step === "RSET") this.reset();
    if (step === "RSET" || step === "NOOP") return 250;
    if (step.startsWith("VRFY")) return 252;
    if (step === "NOPE" || step.startsWith("zz")) return 500;
    return this.#mailStep(step);
  }

  #mailStep(step: string): number {
    if (step.startsWith("MAIL")) {
      if (!this.greeted || this.mail) return 503;
      if (step.includes("SIZE=9")) return 552;
      if (step.includes("OTHER")) return 555;
      this.mail = true;
      this.refused = undefined;
      return 250;
    }
    if (step.startsWith("BDAT")) return this.#chunkStep(step);
    if (step.startsWith("RCPT")) {
      if (!this.mail || this.chunking) return 503;
      if (step.includes("nobody") || step.includes("evil")) return 550;
      this.recipients += 1;
      return 250;
    }
    if (!this.chunking) return this.mail && this.recipients > 0 ? 354 : 503;
    this.reset();
    return 503;
  }

  #chunkStep(step: string): number {
    const code = this.#chunkCode(step);
    if (code === 250 && !step.startsWith("BDAT LAST")) this.chunking = true;
    else this.reset();
    if (code !== 250) this.refused = code;
    return code;
  }

  #chunkCode(step: string): number {
    if (!this.mail || this.recipients === 0) return this.refused ?? 503;
    return step.includes("\0") ? 550 : 250;
  }
}

export const STEPS: readonly string[] = [
  "EHLO c.example",
  "HELO c.example",
  "RSET",
  "NOOP",
  "VRFY alice",
  "NOPE",
  "MAIL FROM:<a@b.example>",
  "MAIL FROM:<a@b.example>",
  "MAIL FROM:<a@b.example> SIZE=99999999",
  "MAIL FROM:<a@b.example> OTHER=1",
  "RCPT TO:<alice@our.test>",
  "RCPT TO:<bob@our.test>",
  "RCPT TO:<nobody@our.test>",
  "RCPT TO:<v@evil.test>",
  "DATA",
  "DATA",
  "BDAT:RSET\r\n",
  "BDAT:",
  "BDAT:x\0y",
  "BDAT LAST:.\r\n",
  "BDAT LAST:",
  "BDAT LAST:\0",
];
