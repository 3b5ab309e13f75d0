import { isIPv6 } from "node:net";
import type { Transport } from "../../ports/directory.ts";
import type { Resolver } from "../../ports/resolver.ts";
import {
  DestinationTrouble,
  type Connection,
  type SmtpClient,
  type Target,
} from "../../ports/smtp-client.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { errorText } from "../../runtime/log.ts";
import { isOwnAddress, type OwnAddress } from "./ourselves.ts";
import { hostPort } from "../../mail/network.ts";

/** The server that mail is sent to. Domains with the same destination share its health and its connections. */
export interface Destination extends Transport {
  /** Host name in A-labels, or an address. */
  readonly host: string;
  readonly port: number;
}

/** Returns `host:port`, as shown to operators. */
export function destinationName({ host, port }: Destination): string {
  return hostPort(host, port);
}

/** Converts the error of a connection attempt to DestinationTrouble. */
export function asTrouble(error: unknown): DestinationTrouble {
  return error instanceof DestinationTrouble ? error : new DestinationTrouble("connect", errorText(error));
}

/** Timeout for a TCP connection, in ms. */
const CONNECT_TIMEOUT = 3000;
/** After this many ms without an answer, the next address is tried in parallel; RFC 8305 §5. */
const STAGGER = 250;
/** Most addresses of one host that are tried. */
const MOST_ADDRESSES = 6;
/** After this many ms, no further address of the host is greeted: all of them may be silent. */
const LONGEST_ROUND = 10_000;

export interface ReachParts {
  readonly client: SmtpClient;
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly ownAddresses: () => readonly OwnAddress[];
}

/** Resolves a destination to targets, without our own listeners. Rejects with stage `dns` or `loop`. */
export async function targetsOf(destination: Destination, parts: ReachParts): Promise<readonly Target[]> {
  const { host, port } = destination;
  const lookup = await parts.resolver.addresses(host);
  if (lookup.kind === "none") throw new DestinationTrouble("dns", `${host} has no address`);
  if (lookup.kind === "failed") throw new DestinationTrouble("dns", `${host}: ${lookup.why}`);
  const others = lookup.records.filter((ip) => !isOwnAddress(ip, port, parts.ownAddresses()));
  if (others.length === 0)
    throw new DestinationTrouble("loop", `${destinationName(destination)} is our own listener`);
  return inTurn(others)
    .slice(0, MOST_ADDRESSES)
    .map((ip) => Object.assign({ ip }, destination));
}

/** Alternates between the address families, so that a family without a route costs one wait only; RFC 8305 §4. */
function inTurn(addresses: readonly string[]): readonly string[] {
  const six = addresses.filter((ip) => isIPv6(ip));
  const four = addresses.filter((ip) => !isIPv6(ip));
  const [first, second] = addresses[0] === six[0] ? [six, four] : [four, six];
  return first.flatMap((ip, i) => [ip, ...second.slice(i, i + 1)]).concat(second.slice(first.length));
}

/** Called for each address that fails. */
type Failed = (target: Target, trouble: DestinationTrouble) => void;

interface Greeter<T> {
  /** If it rejects (with DestinationTrouble), the next address is tried. */
  readonly greet: (connection: Connection) => Promise<T>;
  readonly failed?: Failed;
}

/**
 * Connects to the targets in turn until `greet` succeeds, and returns its result; RFC 5321 §5.1. Rejects with the
 * trouble of the last target.
 */
export async function firstToGreet<T>(
  targets: readonly Target[],
  parts: ReachParts,
  { greet, failed }: Greeter<T>,
): Promise<T> {
  const { clock } = parts;
  const begun = clock.elapsed();
  let left = targets;
  const leaveOut: Failed = (target, trouble) => {
    left = left.filter(({ ip }) => ip !== target.ip);
    failed?.(target, trouble);
  };
  for (;;) {
    const connection = await firstToAnswer(left, parts, leaveOut);
    try {
      return await greet(connection);
    } catch (error) {
      leaveOut(connection.target, asTrouble(error));
      if (left.length === 0 || clock.elapsed() - begun > LONGEST_ROUND) throw error;
    }
  }
}

/** Returns the first connection that succeeds; tries the next target when one fails or has not answered for STAGGER. */
function firstToAnswer(
  targets: readonly Target[],
  { client, clock }: ReachParts,
  failed: Failed,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    let started = 0;
    let failures = 0;
    let done = false;
    let timer: Timer | undefined;
    const succeed = (connection: Connection): void => {
      if (done) return connection.close();
      done = true;
      timer?.cancel();
      resolve(connection);
    };
    const fail = (target: Target, error: unknown): void => {
      failures += 1;
      failed(target, asTrouble(error));
      if (failures === targets.length) reject(error as Error);
      else tryNext();
    };
    const tryNext = (): void => {
      timer?.cancel();
      const target = targets[started];
      if (done || target === undefined) return;
      started += 1;
      timer = clock.after(STAGGER, tryNext);
      client.connect(target, CONNECT_TIMEOUT).then(succeed, (error: unknown) => fail(target, error));
    };
    tryNext();
  });
}
