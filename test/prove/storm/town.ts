/** The domains of the storm as the configuration declares them, and what else it says that changes. */
import type { Random } from "../../support/random.ts";
import { A, ASKED, B, C, E, EXCHANGES, F, K, M, NOTICES, S, U, V } from "./places.ts";

export const USERS_FILE = "users.txt";

type Keys = Readonly<Record<string, unknown>>;

interface TownPlan {
  readonly random: Random;
  /** Of the primaries, by their numbers. */
  readonly ports: readonly number[];
  /** Where the list of u.test is. */
  readonly listUrl: string;
  /** `host:port` of the scanners. */
  readonly clamav: string;
  readonly rspamd: string;
  /** Notices may go to the senders' own MX. */
  readonly direct: boolean;
}

/** The name by which a primary is found in the DNS. */
export function nameOfPrimary(number: number): string {
  return `p${number}.storm.test`;
}

export class Town {
  readonly #plan: TownPlan;

  constructor(plan: TownPlan) {
    this.#plan = plan;
  }

  get ports(): readonly number[] {
    return this.#plan.ports;
  }

  /** The `domains` of a configuration; what may change without harm is drawn anew each time, unless all is calm. */
  domains(calm: boolean): Keys {
    const { pick } = this.#plan.random;
    const some = this.#chance(calm);
    const primary = (n: number, keys: Keys = {}): Keys => this.#primary(n, calm, keys);
    const [first, second] = some(3) ? [1, 0] : [0, 1];
    return {
      [A.domain]: {
        primary: [primary(first, { preference: 10 }), primary(second, { preference: 20 })],
        recipients: [...A.people, ...A.guests.filter(() => !some(2)), "list-*"],
        ...(some(6) && { quota: { messages: 1 + this.#plan.random.below(40) } }),
      },
      [B.domain]: {
        primary: some(3) ? primary(2) : [primary(2, { weight: 3 }), primary(3)],
        recipients: { file: USERS_FILE },
      },
      [C.domain]: {
        mode: some(3) ? "backup" : "reflector",
        primary: primary(4),
        recipients: { catchAll: true },
      },
      [E.domain]: {
        primary: primary(4),
        recipients: { list: E.people, callout: true },
        unknownDuringOutage: pick(["defer", "accept"]),
      },
      ...(!some(2) && { [F.domain]: { primary: primary(1), recipients: { catchAll: true } } }),
      [K.domain]: {
        primary: primary(ASKED),
        ...(some(2) ? { mode: "backup", recipients: { callout: true } } : { mode: "reflector" }),
        unknownDuringOutage: pick(["defer", "accept"]),
      },
      [M.domain]: {
        primary: { mx: true, port: this.ports[EXCHANGES[0] ?? 0], tls: "opportunistic" },
        recipients: [...M.people, ...M.guests.filter(() => !some(2))],
      },
      [S.domain]: {
        primary: primary(2),
        recipients: [...S.people, ...S.guests],
        checks: this.#scanned(calm),
      },
      [U.domain]: {
        primary: [primary(3, { preference: 10 }), primary(0, { preference: 20 })],
        recipients: some(5) ? [...U.people] : { url: this.#plan.listUrl, every: "10s" },
      },
      [V.domain]: {
        primary: V.primaries.map((n) => primary(n, { host: nameOfPrimary(n), tls: "verify" })),
        recipients: [...V.people, ...V.guests],
      },
    };
  }

  /** The way of notices. */
  route(calm: boolean): unknown {
    if (this.#plan.direct && this.#chance(calm)(3)) return "direct";
    return { host: "127.0.0.1", port: this.ports[NOTICES], tls: "none" };
  }

  /** The text of the file with the recipients of b.test. */
  users(): string {
    return [...B.people, ...B.guests.filter(() => this.#plan.random.below(2) === 0), ""].join("\n");
  }

  #chance(calm: boolean): (oneIn: number) => boolean {
    return (oneIn) => !calm && this.#plan.random.below(oneIn) === 0;
  }

  #primary(n: number, calm: boolean, keys: Keys): Keys {
    const { pick, below } = this.#plan.random;
    const some = this.#chance(calm);
    return {
      host: some(4) ? nameOfPrimary(n) : "127.0.0.1",
      port: this.ports[n],
      tls: calm ? "opportunistic" : pick(["none", "none", "opportunistic", "opportunistic", "require"]),
      ...keys,
      ...(some(3) && { pipelining: pick(["none", "envelope", "mails"]) }),
      ...(some(3) && { chunking: false }),
      ...(some(4) && { connections: 1 + below(4) }),
      ...(some(4) && { mailsPerConnection: 1 + below(5) }),
    };
  }

  #scanned(calm: boolean): Keys {
    const { clamav, rspamd, random } = this.#plan;
    const { pick } = random;
    const some = this.#chance(calm);
    const wish = (): string => pick(["defer", "tag", "quarantine", "quarantine"]);
    const act = (): string => pick(["tag", "defer", "quarantine", "quarantine", "reject"]);
    return {
      ...(!some(5) && {
        clamav: {
          servers: [clamav],
          timeout: "1s",
          unavailable: wish(),
          found: act(),
          ...(some(3) && { maxSize: "20KB", oversize: pick(["tag", "quarantine"]) }),
        },
      }),
      ...(!some(5) && {
        rspamd: {
          servers: [rspamd],
          timeout: "1s",
          unavailable: wish(),
          reject: act(),
          addHeader: pick(["tag", "quarantine"]),
        },
      }),
    };
  }
}
