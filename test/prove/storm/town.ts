/** Who lives where in the storm: domains, their people, their primaries, and the configuration that says so. */
import type { Random } from "../../support/random.ts";

export interface Place {
  readonly domain: string;
  /** Numbers of the primaries that may get its mail. */
  readonly primaries: readonly number[];
  /** Local parts that exist at all times. */
  readonly people: readonly string[];
  /** Local parts that come and go. */
  readonly guests: readonly string[];
  /** It is always there, and takes mail for nobody else. */
  readonly strict: boolean;
}

const A: Place = {
  domain: "a.test",
  primaries: [0, 1],
  people: ["alice", "bob", "list-news"],
  guests: ["gina", "gus"],
  strict: true,
};
/** Its list is a file. */
const B: Place = {
  domain: "b.test",
  primaries: [2, 3],
  people: ["bea", "bill"],
  guests: ["gerd"],
  strict: true,
};
const C: Place = {
  domain: "c.test",
  primaries: [4],
  people: ["cora", "carl"],
  guests: ["any"],
  strict: false,
};
/** Asks its primary about strangers. */
const E: Place = {
  domain: "e.test",
  primaries: [4],
  people: ["eve", "emil"],
  guests: ["gabi"],
  strict: false,
};
/** In the configuration at times. */
const F: Place = { domain: "f.test", primaries: [1], people: ["fay"], guests: ["frank"], strict: false };
/** Added and removed through the API. */
export const Y: Place = {
  domain: "y.test",
  primaries: [3, 2],
  people: ["yan"],
  guests: ["yuri"],
  strict: false,
};
export const PLACES: readonly Place[] = [A, B, C, E, F, Y];

/** Where `reroute` sends mail, the smart host for notices, and how many there are. */
export const [REROUTE, NOTICES, PRIMARIES] = [5, 6, 7] as const;
export const USERS_FILE = "users.txt";

type Keys = Readonly<Record<string, unknown>>;

export class Town {
  readonly ports: readonly number[];
  readonly #random: Random;

  constructor(ports: readonly number[], random: Random) {
    this.ports = ports;
    this.#random = random;
  }

  /** The `domains` of a configuration; what may change without harm is drawn anew each time, unless all is calm. */
  domains(calm: boolean): Keys {
    const { pick } = this.#random;
    const some = (oneIn: number): boolean => !calm && this.#random.below(oneIn) === 0;
    const primary = (n: number, keys: Keys = {}): Keys => this.#primary(n, calm, keys);
    const [first, second] = some(3) ? [1, 0] : [0, 1];
    return {
      [A.domain]: {
        primary: [primary(first, { preference: 10 }), primary(second, { preference: 20 })],
        recipients: [...A.people, ...A.guests.filter(() => !some(2)), "list-*"],
        ...(some(6) && { quota: { messages: 1 + this.#random.below(40) } }),
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
    };
  }

  /** The text of the file with the recipients of b.test. */
  users(): string {
    return [...B.people, ...B.guests.filter(() => this.#random.below(2) === 0), ""].join("\n");
  }

  #primary(n: number, calm: boolean, keys: Keys): Keys {
    const { pick, below } = this.#random;
    const some = (oneIn: number): boolean => !calm && below(oneIn) === 0;
    return {
      host: "127.0.0.1",
      port: this.ports[n],
      tls: "none",
      ...keys,
      ...(some(3) && { pipelining: pick(["none", "envelope", "mails"]) }),
      ...(some(3) && { chunking: false }),
      ...(some(4) && { connections: 1 + below(4) }),
      ...(some(4) && { mailsPerConnection: 1 + below(5) }),
    };
  }
}

export function placeOfAddress(address: string): Place | undefined {
  const domain = address.slice(address.lastIndexOf("@") + 1).toLowerCase();
  return PLACES.find((place) => place.domain === domain);
}
