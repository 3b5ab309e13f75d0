import type { DomainChecks } from "../../ports/checks.ts";
import type { Authenticator, SpfAnswer, SpfQuestion } from "../../ports/authentication.ts";

/** The SPF evaluation of one transaction's return-path. It is started once, when its result is first needed. */
export class SpfInquiry {
  readonly #authenticator: Authenticator;
  readonly #question: SpfQuestion;
  #asked: Promise<SpfAnswer> | undefined;

  constructor(authenticator: Authenticator, question: SpfQuestion) {
    this.#authenticator = authenticator;
    this.#question = question;
  }

  /** The answer, pending or known. Undefined if it was not needed yet. */
  get asked(): Promise<SpfAnswer> | undefined {
    return this.#asked;
  }

  answer(): Promise<SpfAnswer> {
    this.#asked ??= this.#authenticator.spf(this.#question);
    return this.#asked;
  }
}

/** Whether these settings need the result of SPF, for SPF itself or for DMARC. */
export function wantsSpf({ spf = "off", dmarc = "off" }: Pick<DomainChecks, "spf" | "dmarc">): boolean {
  return spf !== "off" || dmarc !== "off";
}
