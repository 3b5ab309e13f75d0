/**
 * Who may use the admin API over TCP. A token is a name, a secret that is shown once, and at most one domain to which
 * it is confined.
 *
 * Invariants: a secret has 256 random bits and only its SHA-256 is stored; a comparison takes the same time for every
 * token and for every position of a difference; a revoked token fails from the next request on.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { TokenRecord, TokenStore } from "../../ports/tokens.ts";
import type { Clock } from "../../runtime/clock.ts";

/** Marks our secrets, so that scanners of leaked secrets can find them. */
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

  constructor(store: TokenStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Makes a token and tells its secret, this once; undefined when the name is taken. */
  async create(name: string, domain?: string): Promise<(TokenFacts & { secret: string }) | undefined> {
    const secret = PREFIX + randomBytes(32).toString("base64url");
    const facts: TokenFacts = { name, createdAt: this.#clock.now(), ...(domain !== undefined && { domain }) };
    const added = await this.#store.addToken({ ...facts, hash: hashOf(secret).toString("hex") });
    return added ? { ...facts, secret } : undefined;
  }

  /** The token that a secret belongs to. What does not look like a secret costs no look into the store. */
  async verify(secret: string): Promise<TokenFacts | undefined> {
    if (!SECRET.test(secret)) return undefined;
    const presented = hashOf(secret);
    let match: TokenRecord | undefined;
    for (const token of await this.#store.tokens()) {
      const stored = Buffer.from(token.hash, "hex");
      if (stored.length === presented.length && timingSafeEqual(stored, presented)) match = token;
    }
    return match === undefined ? undefined : factsOf(match);
  }

  async list(): Promise<readonly TokenFacts[]> {
    return (await this.#store.tokens()).map(factsOf);
  }

  /** False when there is no such token. */
  revoke(name: string): Promise<boolean> {
    return this.#store.revokeToken(name);
  }
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

function factsOf(token: TokenRecord): TokenFacts {
  const { name, createdAt, domain } = token;
  return { name, createdAt, ...(domain !== undefined && { domain }) };
}
