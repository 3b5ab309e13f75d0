/** Bearer tokens over TCP (RFC 6750 §2.1), and the table of networks that sent wrong tokens. */
import type { MiddlewareHandler } from "hono";
import { clientNetwork } from "../../mail/network.ts";
import { SOCKET_CALLER } from "../../ports/journal.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Tokens } from "../../services/tokens/tokens.ts";
import { Refusal } from "./answers.ts";
import type { AdminContext, AdminEnv } from "./parts.ts";

/** A network that sends FAILURES wrong tokens within WINDOW ms is refused. At most NETWORKS networks are remembered. */
const FAILURES = 10;
const WINDOW = 60_000;
const NETWORKS = 10_000;

/** Counts wrong tokens by client network. When the table is full, the network seen longest ago is removed. */
export class FailureTable {
  readonly #clock: Clock;
  /** `until` in elapsed time. */
  readonly #failures = new Map<string, { count: number; until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#failures.size;
  }

  /** Milliseconds until this network may try again; 0 if it may try now. */
  wait(network: string): number {
    const entry = this.#failures.get(network);
    if (entry === undefined || entry.count < FAILURES) return 0;
    return Math.max(0, entry.until - this.#clock.elapsed());
  }

  failed(network: string): void {
    const now = this.#clock.elapsed();
    const entry = this.#failures.get(network);
    const fresh = entry === undefined || entry.until <= now;
    this.#failures.delete(network);
    this.#failures.set(
      network,
      fresh ? { count: 1, until: now + WINDOW } : { ...entry, count: entry.count + 1 },
    );
    if (this.#failures.size > NETWORKS) this.#failures.delete(this.#failures.keys().next().value as string);
  }
}

/** Treats every client of the Unix socket as the operator: only the operator can open the socket file. */
export function trustSocket(): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    c.set("caller", { who: SOCKET_CALLER });
    await next();
  };
}

export function requireToken(tokens: Tokens, failures: FailureTable): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const secret = /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (secret === undefined) return unauthorized(c, "a token is needed");
    const network = clientNetwork(c.env.incoming?.socket.remoteAddress ?? "");
    refuseGuessing(c, failures.wait(network));
    const token = await tokens.verify(secret);
    if (token === undefined) {
      failures.failed(network);
      return unauthorized(c, "this token is not known");
    }
    c.set("caller", { who: token.name, ...(token.domain !== undefined && { domain: token.domain }) });
    await next();
  };
}

/** Requests of one domain's confined tokens that are worked on at a time. */
const MOST_OF_DOMAIN = 8;

/** Limits what the holders of one domain's tokens can occupy: memory for bodies, and the threads that others wait for. */
export function shareFairly(): MiddlewareHandler<AdminEnv> {
  const counts = new Map<string, number>();
  return async (c, next) => {
    const { domain } = c.get("caller");
    if (domain === undefined) return next();
    const others = counts.get(domain) ?? 0;
    if (others === MOST_OF_DOMAIN)
      throw new Refusal(
        "busy",
        `${others} requests of ${domain} are being worked on`,
        "wait for the answers",
      );
    counts.set(domain, others + 1);
    try {
      await next();
    } finally {
      const left = (counts.get(domain) ?? 0) - 1;
      if (left > 0) counts.set(domain, left);
      else counts.delete(domain);
    }
  };
}

/** Guards all routes that are not open to confined tokens, so that a new route is closed to them by default. */
export function wholeServerOnly(): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const { domain } = c.get("caller");
    if (domain !== undefined)
      throw new Refusal("forbidden", `this token is confined to what concerns ${domain} alone`);
    await next();
  };
}

function unauthorized(c: AdminContext, message: string): never {
  c.header("WWW-Authenticate", 'Bearer realm="holdfast"');
  throw new Refusal(
    "unauthorized",
    message,
    "send `Authorization: Bearer SECRET`; `holdfast token add NAME` makes a token",
  );
}

function refuseGuessing(c: AdminContext, wait: number): void {
  if (wait === 0) return;
  c.header("Retry-After", String(Math.ceil(wait / 1000)));
  throw new Refusal("too_many_attempts", "too many wrong tokens from this network");
}
