/** Calls mailauth's signature verifier step by step: the header section, then the body, then the keys. */
import { MAX_SIGNATURES } from "../../ports/authentication.ts";
import { keysBy, type LookUp } from "./lookup.ts";

interface HeaderRow {
  key: string;
  readonly line: Buffer;
}

interface Headers {
  readonly parsed: readonly HeaderRow[];
}

export interface Verified {
  readonly signingDomain?: string;
  readonly selector?: string;
  /** `underSized`: octets of the body that the signature does not cover. */
  readonly status: { readonly result: string; readonly underSized?: number };
}

interface SignatureHeader {
  readonly signingDomain?: string;
  readonly selector?: string;
  readonly headerCanon: string;
  readonly bodyCanon: string;
  /** The `c=` tag. */
  canonicalization: string;
}

export interface Verifier {
  /** Takes the whole header section. */
  emitHeaders(section: Buffer): Promise<void>;
  messageHeaders(headers: Headers): Promise<void>;
  /** Keeps references to parts of the chunk. */
  nextChunk(chunk: Buffer): Promise<void>;
  /** Looks up the keys and verifies the signatures. */
  finalChunk(): Promise<void>;
  readonly results: readonly Verified[];
  readonly signatureHeaders: readonly SignatureHeader[];
  /** Addresses of all From fields. */
  readonly headerFrom: readonly string[];
  readonly fromFields: number;
}

type VerifierClass = new (options: object) => Verifier;

let loaded: VerifierClass | undefined;

/** Returns the class if it has been loaded before. */
export function verifierClass(): VerifierClass | undefined {
  return loaded;
}

export async function loadVerifier(): Promise<VerifierClass> {
  // @ts-expect-error -- this part of the package has no types
  const { DkimVerifier } = (await import("mailauth/lib/dkim/dkim-verifier.js")) as {
    DkimVerifier: VerifierClass;
  };
  loaded = DkimVerifier;
  return DkimVerifier;
}

/** Makes a verifier that reads at most MAX_SIGNATURES signatures and ignores ARC sets. */
export function openVerifier(Class: VerifierClass, lookUp: LookUp): Verifier {
  const verifier = new Class({ resolver: keysBy(lookUp), strict: true, sender: "<>" });
  const readSection = verifier.emitHeaders.bind(verifier);
  verifier.emitHeaders = (section) => readSection(withShortBlanks(section));
  const readFields = verifier.messageHeaders.bind(verifier);
  verifier.messageHeaders = async (headers) => {
    limitFields(headers);
    await readFields(headers);
    // mailauth validates these two, but verifies by what was written, and throws for `c=/simple`: with that, one
    // malformed signature would make the results of the whole mail unknown, and a forged mail would not fail DMARC.
    for (const signature of verifier.signatureHeaders)
      signature.canonicalization = `${signature.headerCanon}/${signature.bodyCanon}`;
  };
  return verifier;
}

/** Octets of a field name, with the blanks behind it, that are left as they are. */
const LONGEST_NAME = 256;

/**
 * Shortens each run of blanks before the first colon of a section to one blank, if that colon comes late. mailauth
 * takes all before it for a field name, and its time grows with the square of the number of blanks in a row.
 */
function withShortBlanks(section: Buffer): Buffer {
  const colon = section.indexOf(":");
  if (colon !== -1 && colon <= LONGEST_NAME) return section;
  const end = colon === -1 ? section.length : colon;
  const name = section.toString("latin1", 0, end).replace(/[ \t]+/g, " ");
  return Buffer.concat([Buffer.from(name, "latin1"), section.subarray(end)]);
}

/** Most octets of one signature, and of all From fields together; longer ones are ignored. */
const LARGEST_SIGNATURE = 8 * 1024;
const LARGEST_FROM = 8 * 1024;
/** Most octets of Content-Type, which mailauth parses once for each signature. */
const LARGEST_TYPE = 8 * 1024;
/** The tag `l=`. Each different value costs another hash over the whole body. */
const PARTIAL = /[:;\s]l\s*=/;
/** Real signatures have no such run of blanks; the time of mailauth's parser grows with the square of its length. */
const BLANKS = /[ \t\r\n]{256}/;

/** Hides fields from mailauth by removing their key: all ARC sets, and fields above the limits. */
function limitFields({ parsed }: Headers): void {
  let [signatures, partial, from] = [0, 0, 0];
  for (const row of parsed) {
    const { key, line } = row;
    if (key === "from") from += line.length;
    if (key === "dkim-signature") {
      signatures += 1;
      const small = signatures <= MAX_SIGNATURES && line.length <= LARGEST_SIGNATURE;
      const text = small ? line.toString("latin1") : "";
      const fits = small && !BLANKS.test(text);
      if (fits && PARTIAL.test(text)) partial += 1;
      if (!fits || partial > 1) row.key = "";
    } else if (key?.startsWith("arc-") || (key === "content-type" && line.length > LARGEST_TYPE))
      row.key = "";
  }
  if (from > LARGEST_FROM) for (const row of parsed) if (row.key === "from") row.key = "";
}
