import type { ListSizes, RecipientChange } from "../../../../ports/directory.ts";
import type { EntrySlice, SideListPlan, SideTable } from "../wire/wire.ts";
import type { Generations } from "./generations.ts";
import type { Lists } from "./lists.ts";

/**
 * A domain's recipient lists other than the declared one: the API's list and the fetched list. Small changes of the
 * API's list are made in place; otherwise a new list is staged and replaces the old one.
 */
export class SideLists {
  readonly #generations: Generations;
  readonly #lists: Lists;
  /** Throws while another change is open. */
  readonly #requireCalm: () => void;
  /** The list that is being staged. */
  #staged: number | undefined;
  /** The table of that list. */
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

  /** Makes a small change of the API's list, visible at once. */
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

  /** Begins a new list for the domain; `keep` copies the present entries into it. */
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

  /** Puts the staged list in force for the domain. */
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
