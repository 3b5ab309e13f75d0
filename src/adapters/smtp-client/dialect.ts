import type { Transport } from "../../ports/directory.ts";
import type { Capabilities } from "../../ports/smtp-client.ts";

/** Most mails in flight: a body and the envelope behind it, or whole mails. */
const WITH_DATA = 2;
const WITH_BDAT = 8;

/** The extensions used with one peer, by its EHLO reply and its settings; determined once for each conversation. */
export class Dialect {
  readonly size: boolean;
  readonly eightBit: boolean;
  readonly dsn: boolean;
  /** The attributes that the peer's XFORWARD accepts. */
  readonly forwarded: readonly string[];
  /** The commands of an envelope are sent together, RFC 2920. */
  readonly pipelined: boolean;
  /** Mails may follow each other without waiting. */
  readonly several: boolean;
  #chunked: boolean;

  constructor(
    { extensions, attributes }: Capabilities,
    { pipelining = "mails", chunking = true }: Pick<Transport, "pipelining" | "chunking">,
  ) {
    this.size = extensions.includes("SIZE");
    this.eightBit = extensions.includes("8BITMIME");
    this.dsn = extensions.includes("DSN");
    this.forwarded = attributes?.["XFORWARD"] ?? [];
    this.pipelined = pipelining !== "none" && extensions.includes("PIPELINING");
    this.several = this.pipelined && pipelining === "mails";
    this.#chunked = chunking && this.several && extensions.includes("CHUNKING");
  }

  /** BDAT carries the bodies, RFC 3030, and RSET is written behind each as a mark (marks.ts). */
  get chunked(): boolean {
    return this.#chunked;
  }

  get window(): number {
    if (!this.several) return 1;
    return this.#chunked ? WITH_BDAT : WITH_DATA;
  }

  /** Uses DATA for bodies from the next mail on, because its reply 354 makes it possible to tell replies apart. */
  useData(): void {
    this.#chunked = false;
  }
}
