/**
 * Who may use the admin API over TCP. A token is a name, a secret that is shown once, and at most one domain to which
 * it is confined.
 *
 * Invariants: a secret has 256 random bits and only its SHA-256 is stored; a comparison takes the same time for every
 * token and for every position of a difference; a revoked token fails from the next request on. The tokens are read
 * once and again after each change, so that a storage thread that does not answer does not shut out operators who ask
 * why, and wrong secrets cost it nothing. Changes are made here, except that the store revokes the tokens of a domain
 * that is removed (`domainRemoved`).
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { TokenRecord, TokenStore } from "../../ports/tokens.ts";
import type { Clock } from "../../runtime/clock.ts";

/** Begins every secret, so that scanners for leaked secrets can find ours. */
const PREFIX = "hf_";
const SECRET = /^hf_[A-Za-z0-9_-]{43}$/;

/** A token without its hash. */
interface TokenFacts {
  readonly name: string;
  readonly createdAt: number;
  readonly domain?: string;
}

export class Tokens {
  readonly #store: TokenStore;
  readonly #clock: Clock;
  /** All tokens as last read; undefined after a change. */
  #records: Promise<readonly TokenRecord[]> | undefined;

  constructor(store: TokenStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Creates a token and returns its secret, which is never shown again; undefined if the name is taken. */
  async create(name: string, domain?: string): Promise<(TokenFacts & { secret: string }) | undefined> {
    const secret = PREFIX + randomBytes(32).toString("base64url");
    const facts: TokenFacts = { name, createdAt: this.#clock.now(), ...(domain !== undefined && { domain }) };
    const record = { ...facts, hash: hashOf(secret).toString("hex") };
    const added = await this.#change(() => this.#store.addToken(record));
    return added ? { ...facts, secret } : undefined;
  }

  /** Returns the token with this secret. Text that cannot be a secret is not looked up. */
  async verify(secret: string): Promise<TokenFacts | undefined> {
    if (!SECRET.test(secret)) return undefined;
    const presented = hashOf(secret);
    let match: TokenRecord | undefined;
    for (const token of await this.#read()) {
      const stored = Buffer.from(token.hash, "hex");
      if (stored.length === presented.length && timingSafeEqual(stored, presented)) match = token;
    }
    return match === undefined ? undefined : factsOf(match);
  }

  async list(): Promise<readonly TokenFacts[]> {
    return (await this.#read()).map(factsOf);
  }

  /** Revokes a token; false if there is none of this name. */
  revoke(name: string): Promise<boolean> {
    return this.#change(() => this.#store.revokeToken(name));
  }

  /** Must be called after each removal of a domain. */
  domainRemoved(): void {
    this.#records = undefined;
  }

  #read(): Promise<readonly TokenRecord[]> {
    if (this.#records !== undefined) return this.#records;
    const read = this.#store.tokens();
    this.#records = read;
    void read.catch(() => (this.#records = undefined));
    return read;
  }

  /** A read that began before the change has ended may lack it, and is not used again. */
  async #change(make: () => Promise<boolean>): Promise<boolean> {
    try {
      return await make();
    } finally {
      this.#records = undefined;
    }
  }
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

function factsOf(token: TokenRecord): TokenFacts {
  const { name, createdAt, domain } = token;
  return { name, createdAt, ...(domain !== undefined && { domain }) };
}
