/** What the directory must hold, in the plainest words: after each change another whole of it, by its generation. */
import {
  awaitsFirstList,
  type DeclaredDomain,
  type DeclareResult,
  type DomainSettings,
  type Origin,
  type ListSizes,
  type RecipientChange,
  type RecipientHit,
} from "../../../src/ports/directory.ts";

type Patterns = ReadonlySet<string>;

interface ModelDomain {
  readonly origin: Origin;
  readonly settings: DomainSettings;
  readonly declared: Patterns | undefined;
  readonly draining: boolean;
}

/** Never changed once it is made. */
export interface Whole {
  readonly domains: ReadonlyMap<string, ModelDomain>;
  /** The API's lists; one of a declared domain waits for its return. */
  readonly overlays: ReadonlyMap<string, Patterns>;
  readonly fetched: ReadonlyMap<string, Patterns>;
}

/** What a change comes to: an answer, and another whole where it makes one; undefined: it is refused. */
export type Plan<T> = { readonly answer: T; readonly next?: Whole } | undefined;

/** How long a generation can be read that was superseded, in ms. */
const KEEP = 3_600_000;

export class DirectoryModel {
  readonly #generations: { readonly whole: Whole; readonly at: number }[] = [];
  /** Until when; undefined: until somebody says so. */
  readonly pauses = new Map<string, number | undefined>();
  /** Mails by domain. */
  readonly held = new Map<string, number>();
  /** Removed for good, and when; as they were. */
  readonly ended = new Map<string, ModelDomain & { readonly at: number }>();

  constructor(now: number) {
    this.#generations.push({
      whole: { domains: new Map(), overlays: new Map(), fetched: new Map() },
      at: now,
    });
  }

  get newest(): number {
    return this.#generations.length - 1;
  }

  get whole(): Whole {
    return this.at(this.newest);
  }

  at(generation: number): Whole {
    return this.#generations[generation]?.whole ?? this.whole;
  }

  /** The oldest generation with which somebody may have begun within the hour. */
  oldest(now: number): number {
    return Math.max(
      0,
      this.#generations.findLastIndex(({ at }) => at < now - KEEP),
    );
  }

  holds(name: string): boolean {
    return (this.held.get(name) ?? 0) > 0;
  }

  apply(next: Whole, now: number): void {
    const before = this.whole.domains;
    this.#generations.push({ whole: next, at: now });
    for (const [name, domain] of before)
      if (!next.domains.has(name)) {
        this.ended.set(name, { ...domain, at: now });
        this.pauses.delete(name);
      }
    for (const name of next.domains.keys()) this.ended.delete(name);
  }

  declare(domains: readonly DeclaredDomain[]): Plan<Omit<DeclareResult, "generation">> {
    const { whole } = this;
    if (domains.some(({ name }) => whole.domains.get(name)?.origin === "api")) return undefined;
    const next = new Map(whole.domains);
    const [added, changed]: [string[], string[]] = [[], []];
    for (const { name, settings, recipients } of domains) {
      const declared = recipients && new Set(recipients);
      const present = whole.domains.get(name);
      if (present !== undefined && isSame(present, { settings, declared })) continue;
      (present === undefined ? added : changed).push(name);
      next.set(name, { origin: "file", settings, declared, draining: false });
    }
    const names = new Set(domains.map(({ name }) => name));
    const vanished = [...whole.domains].filter(([name, { origin }]) => origin === "file" && !names.has(name));
    const away = vanished.map(([name]) => name).toSorted();
    const draining = away.filter((name) => this.holds(name));
    const removed = away.filter((name) => !this.holds(name));
    const answer = { added, changed, draining, removed };
    if (Object.values(answer).every((some) => some.length === 0)) return { answer };
    return { answer, next: this.#without({ ...whole, domains: next }, away) };
  }

  add({ name, settings, recipients }: DeclaredDomain): Plan<undefined> {
    const { whole } = this;
    const present = whole.domains.get(name);
    if (present !== undefined && !(present.origin === "api" && present.draining)) return undefined;
    const domain = { origin: "api", settings, declared: undefined, draining: false } as const;
    const domains = new Map(whole.domains).set(name, domain);
    const overlays = new Map(whole.overlays);
    if (recipients !== undefined) overlays.set(name, new Set(recipients));
    return { answer: undefined, next: { ...whole, domains, overlays } };
  }

  change(name: string, settings: DomainSettings): Plan<boolean> {
    const present = this.whole.domains.get(name);
    if (present?.origin !== "api") return { answer: false };
    const domains = new Map(this.whole.domains).set(name, { ...present, settings });
    return { answer: true, next: { ...this.whole, domains } };
  }

  remove(name: string): Plan<"removed" | "draining" | "unknown" | "declared"> {
    const present = this.whole.domains.get(name);
    if (present === undefined) return { answer: "unknown" };
    if (present.origin === "file") return { answer: "declared" };
    return { answer: this.holds(name) ? "draining" : "removed", next: this.#without(this.whole, [name]) };
  }

  /** Answers how many entries there were, and are then. */
  changeRecipients({ domain, verb, recipients, fetched = false }: RecipientChange): Plan<ListSizes> {
    const { whole } = this;
    if (!whole.domains.has(domain)) return undefined;
    const table = fetched ? "fetched" : "overlays";
    const present = whole[table].get(domain);
    const list = new Set(verb === "replace" ? recipients : present);
    for (const pattern of recipients)
      if (verb === "remove") list.delete(pattern);
      else list.add(pattern);
    const answer = { before: present?.size ?? 0, after: list.size };
    return { answer, next: { ...whole, [table]: new Map(whole[table]).set(domain, list) } };
  }

  retire(): Plan<readonly string[]> {
    const { whole } = this;
    const back = [...this.ended.keys()].filter((name) => this.holds(name));
    const done = [...whole.domains].flatMap(([name, { draining }]) =>
      draining && !this.holds(name) ? [name] : [],
    );
    if (back.length + done.length === 0) return { answer: [] };
    const domains = new Map(whole.domains);
    for (const name of back) {
      const { at: _at, ...domain } = this.ended.get(name) as ModelDomain & { readonly at: number };
      domains.set(name, { ...domain, draining: true });
    }
    return { answer: [...back, ...done].toSorted(), next: this.#without({ ...whole, domains }, done) };
  }

  /** These end, or drain where they hold mail. */
  #without(whole: Whole, names: readonly string[]): Whole {
    const [domains, overlays, fetched] = [
      new Map(whole.domains),
      new Map(whole.overlays),
      new Map(whole.fetched),
    ];
    for (const name of names) {
      const domain = domains.get(name) as ModelDomain;
      if (this.holds(name)) domains.set(name, { ...domain, draining: true });
      else {
        domains.delete(name);
        fetched.delete(name);
        if (domain.origin === "api") overlays.delete(name);
      }
    }
    return { domains, overlays, fetched };
  }
}

function isSame(present: ModelDomain, wanted: Pick<ModelDomain, "settings" | "declared">): boolean {
  const text = ({ settings, declared }: typeof wanted): string =>
    JSON.stringify([settings, declared && [...declared].toSorted()]);
  return !present.draining && text(present) === text(wanted);
}

/** The lists that count for a domain, in the order in which they are asked. */
export function listsOf(
  whole: Whole,
  name: string,
): readonly (readonly [Patterns, RecipientHit["origin"]])[] {
  const domain = whole.domains.get(name);
  const fetched = domain?.settings.fetched === undefined ? undefined : whole.fetched.get(name);
  if (domain === undefined) return [];
  const lists = [
    [domain.declared, "file"],
    [fetched, "url"],
    [whole.overlays.get(name), "api"],
  ] as const;
  return lists.flatMap(([list, origin]) => (list === undefined ? [] : [[list, origin] as const]));
}

/** Exact first, then the longest prefix. */
export function hitOf(whole: Whole, name: string, local: string): RecipientHit | undefined {
  const hits = listsOf(whole, name).flatMap(([list, origin]) =>
    [...list].filter((pattern) => fits(pattern, local)).map((pattern) => ({ pattern, origin })),
  );
  const exact = hits.find(({ pattern }) => pattern === local);
  return exact ?? hits.toSorted((a, b) => b.pattern.length - a.pattern.length)[0];
}

function fits(pattern: string, local: string): boolean {
  return pattern === local || (pattern.endsWith("*") && local.startsWith(pattern.slice(0, -1)));
}

/** Whether all its mail is refused, and nobody else is asked. */
export function refuses(whole: Whole, name: string): boolean {
  const { settings, draining } = whole.domains.get(name) as ModelDomain;
  const lists = listsOf(whole, name);
  const fetched = lists.some(([, origin]) => origin === "url") ? 1 : undefined;
  const isOpen =
    settings.catchAll ||
    settings.callout === true ||
    awaitsFirstList({ settings, ...(fetched !== undefined && { fetched }) });
  return !draining && !isOpen && lists.every(([list]) => list.size === 0);
}
