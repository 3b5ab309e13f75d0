import type { DomainChecks } from "../../ports/checks.ts";
import type { Authenticator, SpfAnswer, SpfQuestion } from "../../ports/authentication.ts";

/** The question about one transaction's return-path: asked once, when somebody first wants to know. */
export class SpfInquiry {
  readonly #authenticator: Authenticator;
  readonly #question: SpfQuestion;
  #asked: Promise<SpfAnswer> | undefined;

  constructor(authenticator: Authenticator, question: SpfQuestion) {
    this.#authenticator = authenticator;
    this.#question = question;
  }

  /** The answer under way; undefined while nobody wanted it. */
  get asked(): Promise<SpfAnswer> | undefined {
    return this.#asked;
  }

  answer(): Promise<SpfAnswer> {
    this.#asked ??= this.#authenticator.spf(this.#question);
    return this.#asked;
  }
}

/** DMARC needs the answer as well. */
export function wantsSpf({ spf = "off", dmarc = "off" }: Pick<DomainChecks, "spf" | "dmarc">): boolean {
  return spf !== "off" || dmarc !== "off";
}
