/** The DNS of the storm: where primaries and the MX of a sender are, answers that change, vanish or never come. */
import { fakeDns, type FakeDns, type Records, type Zones } from "../../support/fake-dns.ts";
import type { Random } from "../../support/random.ts";
import { EXCHANGES, M, PRIMARIES } from "./places.ts";
import { nameOfPrimary } from "./town.ts";
import type { Weather } from "./weather.ts";

/** The client on loopback may send for these. */
const SENDER = "v=spf1 ip4:127.0.0.0/8 -all";
const OURSELVES = "mx2.holdfast.test";
export const MX_OF_FRIEND = "mx.friend.test";
const TROUBLE = ["NXDOMAIN", "SERVFAIL", "REFUSED", "silence"] as const;

/** Addresses of loopback that are this storm's alone. */
export class Block {
  readonly #start: string;

  constructor(second: number, third: number) {
    this.#start = `127.${second}.${third}`;
  }

  /** Of an MX of m.test, from 1. */
  exchange(n: number): string {
    return `${this.#start}.${n}`;
  }

  get friend(): string {
    return `${this.#start}.25`;
  }

  /** Nobody listens there. */
  get empty(): string {
    return `${this.#start}.99`;
  }
}

export function nameOfExchange(n: number): string {
  return `mx${n}.${M.domain}`;
}

export class Names implements Weather {
  readonly dns: FakeDns;
  readonly #random: Random;
  readonly #block: Block;

  private constructor(dns: FakeDns, random: Random, block: Block) {
    this.dns = dns;
    this.#random = random;
    this.#block = block;
  }

  static async open(random: Random, block: Block, stack: AsyncDisposableStack): Promise<Names> {
    const names = new Names(stack.use(await fakeDns({})), random, block);
    await names.mend();
    return names;
  }

  async change(): Promise<void> {
    const { pick, below } = this.#random;
    const { zones } = this.dns;
    const ttl = pick([0, 1, 5, 60]);
    const turn = below(3);
    if (turn === 0) zones[M.domain] = this.#exchanges(ttl);
    const names = [
      nameOfPrimary(below(PRIMARIES)),
      nameOfExchange(1 + below(EXCHANGES.length)),
      MX_OF_FRIEND,
    ];
    if (turn > 0) {
      const name = pick(names);
      zones[name] = pick([...TROUBLE, ...this.#places(name, ttl)]);
    }
  }

  async mend(): Promise<void> {
    Object.assign(this.dns.zones, this.#calm());
  }

  /** What m.test may say of its MX. */
  #exchanges(ttl: number): Zones[string] {
    const mx = (...hosts: readonly (readonly [preference: number, exchange: string])[]): Records => ({
      MX: hosts.map(([preference, exchange]) => ({ preference, exchange })),
      ttl,
    });
    const [one, two] = [nameOfExchange(1), nameOfExchange(2)];
    return this.#random.pick([
      ...TROUBLE,
      mx([10, one], [20, two]),
      mx([20, one], [10, two]),
      mx([10, one], [10, two]),
      mx([10, two]),
      mx([10, one], [15, OURSELVES], [20, two]),
      mx([10, OURSELVES], [20, one]),
      mx([0, "."]),
      mx([10, "nobody.m.test"], [20, two]),
      { A: [this.#block.exchange(1)], ttl },
    ]);
  }

  /** Where a name may be found: rightly, with an address beside where nobody listens, or only there. */
  #places(name: string, ttl: number): readonly Records[] {
    const right = (this.#calm()[name] as Records).A ?? [];
    const { empty } = this.#block;
    return [
      { A: right, ttl },
      { A: right, ttl },
      { A: [empty, ...right], ttl },
      { A: [empty], ttl },
    ];
  }

  #calm(): Zones {
    const at = (address: string): Records => ({ A: [address], ttl: 5 });
    const exchanges = EXCHANGES.map((_, n) => n + 1);
    const mx = exchanges.map((n) => ({ preference: 10 * n, exchange: nameOfExchange(n) }));
    return {
      "friend.test": { TXT: [SENDER], MX: [{ preference: 10, exchange: MX_OF_FRIEND }], ttl: 5 },
      "a.test": { TXT: [SENDER] },
      "forged.test": { TXT: ["v=spf1 -all"] },
      [MX_OF_FRIEND]: at(this.#block.friend),
      [M.domain]: { MX: mx, ttl: 5 },
      ...Object.fromEntries(exchanges.map((n) => [nameOfExchange(n), at(this.#block.exchange(n))])),
      ...Object.fromEntries(Array.from({ length: PRIMARIES }, (_, n) => [nameOfPrimary(n), at("127.0.0.1")])),
    };
  }
}
