import { parseAddress } from "../../mail/address.ts";
import { normaliseDomain } from "../../mail/domain.ts";
import type { BodyProof, BodyVerifier, SignatureResult, SpfFacts } from "../../ports/authentication.ts";
import { errorText, type Logger } from "../../runtime/log.ts";
import { BodyLines } from "./body-lines.ts";
import { askDmarc } from "./dmarc.ts";
import { HeaderBlock } from "./header-block.ts";
import type { LookUp } from "./lookup.ts";
import { loadVerifier, openVerifier, verifierClass, type Verified, type Verifier } from "./verifier.ts";
import { within } from "../../runtime/within.ts";

interface SignedBodyParts {
  readonly lookUp: LookUp;
  readonly log: Logger;
  readonly patience?: number;
}

const BOUNDS = { octets: 256 * 1024, lines: 2000 };
/** Longest wait for the keys after the last octet, in ms. */
const PATIENCE = 6000;
const RESULTS: ReadonlySet<string> = new Set(["pass", "fail", "policy", "neutral", "temperror", "permerror"]);
const SELECTOR = /^[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,9}$/;
const UNREADABLE: SignatureResult = { result: "neutral" };
const TROUBLE: SignatureResult = { result: "temperror" };

/**
 * Verifies the signatures of one mail. It collects the header section up to the empty line, then passes the body on. It
 * skips the rest of a mail that exceeds our bounds, or on which mailauth fails.
 */
export class SignedBody implements BodyVerifier {
  readonly #parts: SignedBodyParts;
  readonly #header = new HeaderBlock(BOUNDS);
  #lines: BodyLines | undefined;
  #verifier: Verifier | undefined;
  #skipped: SignatureResult | undefined;

  constructor(parts: SignedBodyParts) {
    this.#parts = parts;
  }

  feed(chunk: Buffer): Promise<void> | undefined {
    if (this.#skipped !== undefined) return undefined;
    if (this.#lines !== undefined) return this.#body(chunk);
    const { taken, state } = this.#header.add(chunk);
    if (state === "open") return undefined;
    if (state === "too large") return this.#skip(UNREADABLE);
    return this.#open(Buffer.from(chunk.subarray(taken)));
  }

  async finish({ dmarc, spf }: { readonly dmarc: boolean; readonly spf?: SpfFacts }): Promise<BodyProof> {
    if (this.#lines === undefined && this.#skipped === undefined) await this.#open(Buffer.alloc(0));
    // This awaits one turn even though end() returns nothing, so that a failure of the last part is known.
    await this.#lines?.end();
    const signatures = await this.#signatures();
    const skipped = this.#skipped !== undefined && !this.#isUnsigned();
    const proof = { signatures, ...this.#author(), ...(skipped && { unread: true as const }) };
    if (!dmarc) return proof;
    const { headerFrom = [], fromFields = 0 } = this.#verifier ?? {};
    const question = { headerFrom, fromFields, signatures, skipped, ...(spf !== undefined && { spf }) };
    return { ...proof, dmarc: await askDmarc(question, this.#parts) };
  }

  #signatures(): readonly SignatureResult[] | Promise<readonly SignatureResult[]> {
    if (this.#skipped === undefined) return this.#verify();
    return this.#isUnsigned() ? [] : [this.#skipped];
  }

  /** Returns false also if the header was not read, so that it is not known. */
  #isUnsigned(): boolean {
    return this.#verifier?.signatureHeaders.length === 0;
  }

  abort(): void {
    this.#skip(TROUBLE);
  }

  #body(chunk: Buffer): undefined {
    if (this.#lines?.add(chunk) === "too long") this.#skip(UNREADABLE);
  }

  /** Begins to verify once the header is complete. mailauth is loaded with the first mail only. */
  async #open(rest: Buffer): Promise<void> {
    try {
      const verifier = openVerifier(verifierClass() ?? (await loadVerifier()), this.#parts.lookUp);
      const lines = new BodyLines((part) => {
        verifier.nextChunk(part).catch((error: unknown) => this.#fail(error));
      });
      await verifier.emitHeaders(this.#header.octets());
      this.#verifier = verifier;
      this.#lines = lines;
      this.#foresee(verifier);
      this.#body(rest);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Queries the keys while the body arrives; the resolver's cache answers when they are needed. */
  #foresee({ signatureHeaders }: Verifier): void {
    for (const { signingDomain, selector = "" } of signatureHeaders) {
      const domain = normaliseDomain(signingDomain ?? "");
      if (domain !== undefined && SELECTOR.test(selector))
        this.#parts.lookUp(`${selector}._domainkey.${domain}`, "TXT").catch(() => undefined);
    }
  }

  async #verify(): Promise<readonly SignatureResult[]> {
    const verifier = this.#verifier;
    if (verifier === undefined) return [TROUBLE];
    try {
      const inTime = await within(this.#parts.patience ?? PATIENCE, verifier.finalChunk());
      const said = verifier.results.filter(({ status }) => status.result !== "none").map(resultOf);
      const missing = verifier.signatureHeaders.slice(said.length).map(() => TROUBLE);
      return inTime === "late" ? [...said, ...missing] : said;
    } catch (error) {
      this.#fail(error);
      return [TROUBLE];
    }
  }

  #author(): Pick<BodyProof, "from" | "fromDomain"> {
    const { headerFrom = [], fromFields = 0 } = this.#verifier ?? {};
    const addresses = headerFrom.map((text) => parseAddress(text));
    const [first] = addresses;
    if (fromFields !== 1 || first === undefined) return {};
    if (!addresses.every((address) => address?.domain === first.domain)) return {};
    return { fromDomain: first.domain, ...(addresses.length === 1 && { from: first.text }) };
  }

  #skip(result: SignatureResult): undefined {
    this.#skipped ??= result;
    this.#lines = undefined;
  }

  #fail(error: unknown): void {
    this.#parts.log.warn("authentication.dkim.failed", { why: errorText(error) });
    this.#skip(TROUBLE);
  }
}

function resultOf({ signingDomain, selector = "", status }: Verified): SignatureResult {
  const domain = normaliseDomain(signingDomain ?? "");
  // A signature with `l=` does not vouch for what was added behind the part that it covers.
  const partly = status.result === "pass" && (status.underSized ?? 0) > 0;
  const result = partly ? "policy" : RESULTS.has(status.result) ? status.result : "neutral";
  return {
    result: result as SignatureResult["result"],
    ...(domain !== undefined && { domain }),
    ...(SELECTOR.test(selector) && { selector }),
  };
}
