import type { ListSizes, RecipientChange } from "../../../../ports/directory.ts";
import type { EntrySlice, SideListPlan, SideTable } from "../wire/wire.ts";
import type { Generations } from "./generations.ts";
import type { Lists } from "./lists.ts";

/**
 * The lists of recipients that stand beside the declared one: the API's, which is changed in place when little changes,
 * and the fetched one. Otherwise a new list is staged and takes the place of the old one.
 */
export class SideLists {
  readonly #generations: Generations;
  readonly #lists: Lists;
  /** Throws while another change is open. */
  readonly #requireCalm: () => void;
  /** List that is being staged. */
  #staged: number | undefined;
  /** Where it will belong. */
  #table: SideTable = "overlay";

  constructor(generations: Generations, lists: Lists, requireCalm: () => void) {
    this.#generations = generations;
    this.#lists = lists;
    this.#requireCalm = requireCalm;
  }

  get open(): boolean {
    return this.#staged !== undefined;
  }

  forget(): void {
    this.#staged = undefined;
  }

  /** A small change of the API's list, seen at once. */
  change({ domain, verb, recipients }: RecipientChange, now: number): ListSizes {
    this.#requireDomain(domain);
    const next = this.#generations.next();
    const list = this.#generations.sideList("overlay", domain) ?? this.#createLive(domain);
    const before = this.#lists.size(list);
    if (verb === "add") this.#lists.add(list, recipients, next);
    else this.#lists.remove(list, recipients, next);
    this.#generations.raise(now);
    return { before, after: this.#lists.size(list) };
  }

  /** Begins a new list for the domain; with `keep` the present entries are copied into it. */
  *begin({ domain, keep, fresh, table }: SideListPlan): Generator<void, number> {
    if (fresh) this.#requireCalm();
    else this.#requireDomain(domain);
    const list = this.#lists.create(null);
    this.#staged = list;
    this.#table = table;
    const present = this.#generations.sideList(table, domain);
    if (keep && present !== undefined) yield* this.#lists.copy(present, list);
    return list;
  }

  add({ list, patterns }: EntrySlice): void {
    this.#requireStaged(list);
    this.#lists.add(list, patterns, 0);
  }

  remove({ list, patterns }: EntrySlice): void {
    this.#requireStaged(list);
    this.#lists.remove(list, patterns, 0);
  }

  /** Makes the staged list the domain's. */
  flip(domain: string, list: number, now: number): ListSizes {
    this.#requireStaged(list);
    const present = this.#generations.sideList(this.#table, domain);
    const before = present === undefined ? 0 : this.#lists.size(present);
    this.#generations.putSideList(this.#table, domain, list);
    this.#lists.publish(list);
    this.#generations.raise(now);
    this.#staged = undefined;
    return { before, after: this.#lists.size(list) };
  }

  #createLive(domain: string): number {
    const list = this.#lists.create(null);
    this.#lists.publish(list);
    this.#generations.putSideList("overlay", domain, list);
    return list;
  }

  #requireDomain(domain: string): void {
    this.#requireCalm();
    if (this.#generations.domain(domain) === undefined) throw new Error(`there is no domain ${domain}`);
  }

  #requireStaged(list: number): void {
    if (this.#staged !== list)
      throw new Error(`list ${list} is not open: a commit that failed ends its change; try again`);
  }
}
