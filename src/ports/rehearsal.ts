/** The result of a test session with a domain's primaries, in which no mail is sent and nothing is remembered. */

/** `warn`: mail would go through, but something is not as it should be. */
type StepVerdict = "ok" | "warn" | "fail";

export interface RehearsalStep {
  readonly what:
    | "route"
    | "address"
    | "connect"
    | "session"
    | "tls"
    | "size"
    | "identity"
    | "known"
    | "unknown";
  readonly verdict: StepVerdict;
  /** One sentence. */
  readonly text: string;
  /** Milliseconds. */
  readonly took?: number;
}

export interface PrimaryRehearsal {
  /** `host:port`; empty if no primary could be found. */
  readonly destination: string;
  readonly steps: readonly RehearsalStep[];
}

export interface RehearsalRequest {
  readonly domain: string;
  /** An address that exists at the primaries. */
  readonly known: string;
  /** An address that should not exist there. */
  readonly unknown: string;
  /** What our own listeners accept, in octets. */
  readonly maxMessageSize: number;
}
