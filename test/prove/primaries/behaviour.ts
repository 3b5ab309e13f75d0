/** One way in which a primary can behave, and what must have become of the mail at the end. */
import type { Behaviour as Script, FakePrimary } from "../../support/fake-primary.ts";
import type { FakeDns } from "../../support/fake-dns.ts";

export const MAILS = 24;
export const MINUTE = 60_000;

/** Recipients by state; a state that is not named has none. */
export type Counts = Readonly<Partial<Record<CountedState, number>>>;
export type CountedState = "waiting" | "unconfirmed" | "held" | "parked" | "delivered";

/** The daemon's clock, for scripts that let time pass. */
export interface TestTime {
  now(): number;
  wait(milliseconds: number): Promise<void>;
}

interface Mending {
  readonly primary: FakePrimary;
  readonly dns: FakeDns;
}

export interface Behaviour {
  readonly name: string;
  /** How its primaries behave, the first one preferred. */
  readonly scripts: (time: TestTime) => readonly Script[];
  /** Keys of the primary in the configuration: tls, host, ... */
  readonly transport?: Readonly<Record<string, unknown>>;
  /** Mail goes while it comes; absent: it goes when all of it is in. */
  readonly flowing?: boolean;
  /** Mails; absent: MAILS. */
  readonly mails?: number;
  /** Which recipients exist; absent: a list. */
  readonly recipients?: Readonly<Record<string, unknown>>;
  /** The primary is our own listener. */
  readonly ownListener?: boolean;
  /** Each mail goes to all three recipients instead of one of them. */
  readonly everybody?: boolean;
  /** Nobody listens before it is mended. */
  readonly closed?: boolean;
  /** What is true at the first standstill; absent: there is none to wait for. */
  readonly before?: {
    readonly counts?: Counts;
    /** Recipients that wait or are unconfirmed; of those nobody can say which it will be. */
    readonly open?: number;
    readonly state?: string;
    /** It is known that its yes to a RCPT tells nothing. */
    readonly acceptAll?: boolean;
    /** Commands of this verb that must have come by then. */
    readonly asked?: { readonly verb: string; readonly times: number };
  };
  readonly mend?: (mending: Mending) => void | Promise<void>;
  /** What it does beside answering, from the moment on when mail may go. */
  readonly meanwhile?: (primary: FakePrimary) => Promise<void>;
  /** The first mail must come within 2 s of its opening. */
  readonly promptly?: boolean;
  readonly after: Counts;
  /** Names of the alerts that the operator gets; all of them. */
  readonly told: readonly string[];
  /** Alerts that depend on the moment. */
  readonly mayTell?: readonly string[];
  /** A complaint about what the primary saw. */
  readonly complaint?: (primary: FakePrimary) => string | undefined;
}

/** True for every `n`th mail, by its number in the load. */
export function isEach(n: number, data: Buffer): boolean {
  const number = /^X-Proof-Id: \d+-(\d+)/m.exec(data.toString("latin1"))?.[1];
  return Number(number) % n === 0;
}

/** `act` at each `n`th call. */
export function everyNth<T>(n: number, act: T): () => T | undefined {
  let calls = 0;
  return () => {
    calls += 1;
    return calls % n === 0 ? act : undefined;
  };
}

/** A reply of so many octets; `ended: false` is the beginning of one that has no end. */
export function longReply(code: number, octets: number, ended = true): string {
  const text = "x".repeat(500);
  const lines = Array.from({ length: Math.ceil(octets / 510) }, () => `${code}-${text}`);
  return [...lines, ended ? `${code} end` : `${code}-more`].join("\r\n");
}

export const DOWN_AND_UP = ["primary.down", "primary.up"];
