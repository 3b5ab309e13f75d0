import type Database from "better-sqlite3";
import type { DeclareResult } from "../../../../ports/directory.ts";
import { DeliveryKeys } from "../queue/delivery-keys.ts";
import { Generations, sameSettings, type DomainRow } from "./generations.ts";
import { Lists } from "./lists.ts";
import { SideLists } from "./side-lists.ts";
import { revokeTokensOf } from "./tokens.ts";
import type { EntrySlice, NewDomain, PauseChange, StagedDomain, WantedList } from "../wire/wire.ts";

interface Stage {
  readonly names: Set<string>;
  readonly added: string[];
  readonly changed: string[];
  readonly lists: Set<number>;
}

/** Writes the directory. Only one change is open at a time; it becomes visible as a whole with its flip. */
export class DirectoryChanges {
  readonly sideLists: SideLists;
  readonly #generations: Generations;
  readonly #lists: Lists;
  readonly #database: Database.Database;
  readonly #keys: DeliveryKeys;
  readonly #holdsMail: Database.Statement<[string], number>;
  #stage: Stage | undefined;
  /** A commit failed, so the tables may contain parts of a staged change. */
  #tainted = false;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#generations = new Generations(database);
    this.#lists = new Lists(database);
    this.sideLists = new SideLists(this.#generations, this.#lists, () => this.#requireCalm());
    this.#keys = new DeliveryKeys(database);
    this.#holdsMail = database
      .prepare<[string], number>(
        "SELECT 1 FROM recipient INDEXED BY recipient_domain WHERE domain = ? AND state <> 'gone' LIMIT 1",
      )
      .pluck();
  }

  /** Call it after a commit. Returns the newest generation if it may have changed since the last call. */
  changedGeneration(): number | undefined {
    if (!this.#generations.raised) return undefined;
    this.#generations.raised = false;
    return this.#generations.newest();
  }

  stageOpen(): void {
    this.#requireCalm();
    this.#stage = { names: new Set(), added: [], changed: [], lists: new Set() };
  }

  /** Stages domains; returns those whose lists are new and must be filled. */
  stageDomains(domains: readonly StagedDomain[]): readonly WantedList[] {
    const stage = this.#requireStage();
    const wanted: WantedList[] = [];
    for (const domain of domains) {
      const present = this.#generations.domain(domain.name);
      if (present?.origin === "api")
        throw new Error(
          `${domain.name} was added through the API and cannot be declared in the file as well; ` +
            `remove it there first (holdfast domain remove ${domain.name}), or take it out of the file`,
        );
      stage.names.add(domain.name);
      if (present !== undefined && this.#unchanged(present, domain)) continue;
      (present === undefined ? stage.added : stage.changed).push(domain.name);
      const list = this.#listFor(domain, wanted);
      this.#put(domain, "file", list);
    }
    for (const { list } of wanted) stage.lists.add(list);
    return wanted;
  }

  stageEntries(slices: readonly EntrySlice[]): void {
    const { lists } = this.#requireStage();
    for (const { list, patterns } of slices) {
      if (!lists.has(list)) throw new Error(`list ${list} is not being staged`);
      this.#lists.add(list, patterns, 0);
    }
  }

  stageFlip(now: number): DeclareResult {
    const { names, added, changed, lists } = this.#requireStage();
    const draining: string[] = [];
    const removed: string[] = [];
    for (const row of this.#generations.domains("file")) {
      if (names.has(row.name)) continue;
      (this.#takeAway(row) ? draining : removed).push(row.name);
    }
    for (const list of lists) this.#lists.publish(list);
    const unchanged = added.length + changed.length + removed.length === 0 && draining.length === 0;
    const generation = unchanged ? this.#generations.newest() : this.#generations.raise(now);
    this.#stage = undefined;
    return { generation, added, changed, draining, removed };
  }

  /** Gives up what is staged. Also called when the database is opened, for what a crash left. */
  discard(): void {
    this.taint();
    this.#tainted = false;
    this.#lists.abandonStaged();
    this.#generations.abandonStaged();
  }

  /** Forgets the open change; the next change cleans up before it begins. */
  taint(): void {
    this.#stage = undefined;
    this.sideLists.forget();
    this.#tainted = true;
  }

  /** Adds a domain of origin `api`, together with its list if one was staged for it. */
  addDomain({ domain, list }: NewDomain, now: number): void {
    if (list === undefined) this.#requireCalm();
    const present = this.#generations.domain(domain.name);
    if (present !== undefined && !(present.origin === "api" && present.draining === 1))
      throw new Error(`${domain.name} exists already (origin ${present.origin})`);
    this.#put(domain, "api", null);
    if (list === undefined) this.#generations.raise(now);
    else this.sideLists.flip(domain.name, list, now);
  }

  /** Returns false if no domain of origin `api` has this name. */
  changeDomain({ name, settings }: NewDomain["domain"], now: number): boolean {
    this.#requireCalm();
    const present = this.#generations.domain(name);
    if (present?.origin !== "api") return false;
    this.#generations.put({ ...present, settings: JSON.stringify(settings) });
    this.#generations.raise(now);
    return true;
  }

  removeDomain(name: string, now: number): "removed" | "draining" | "unknown" | "declared" {
    this.#requireCalm();
    const present = this.#generations.domain(name);
    if (present === undefined) return "unknown";
    if (present.origin === "file") return "declared";
    const drains = this.#takeAway(present);
    // Otherwise they would work again for whoever adds a domain of this name later.
    revokeTokensOf(this.#database, name);
    this.#generations.raise(now);
    return drains ? "draining" : "removed";
  }

  setPaused({ name, paused, until }: PauseChange): boolean {
    if (this.#generations.domain(name) === undefined) return false;
    this.#database.prepare("DELETE FROM pause WHERE domain = ?").run(name);
    if (paused)
      this.#database.prepare("INSERT INTO pause (domain, until) VALUES (?, ?)").run(name, until ?? null);
    return true;
  }

  endPauses(now: number): readonly string[] {
    return this.#database
      .prepare<[number], string>("DELETE FROM pause WHERE until <= ? RETURNING domain")
      .pluck()
      .all(now);
  }

  /**
   * Removes draining domains without mail. A removed domain that got mail from SMTP transactions which had begun before
   * its removal is restored as draining. Returns the names of both.
   */
  retire(now: number): readonly string[] {
    this.#requireCalm();
    const back = this.#generations.ended().filter(({ name }) => this.#holds(name));
    const done = (["file", "api"] as const)
      .flatMap((origin) => this.#generations.domains(origin))
      .filter(({ name, draining }) => draining === 1 && !this.#holds(name));
    for (const row of back) this.#generations.put({ ...row, draining: 1 });
    for (const row of done) this.#takeAway(row);
    if (back.length + done.length > 0) this.#generations.raise(now);
    return [...back, ...done].map(({ name }) => name);
  }

  /** Removes rows that no generation in use can see. */
  *sweep(now: number): Generator<void, void> {
    if (this.#stage !== undefined || this.sideLists.open) return;
    const oldest = yield* this.#generations.sweep(now);
    yield;
    yield* this.#lists.sweep(oldest);
  }

  /** Ends a domain, or makes it drain if it has mail; returns whether it drains. */
  #takeAway(row: DomainRow): boolean {
    if (this.#holds(row.name)) {
      if (row.draining === 0) this.#generations.put({ ...row, draining: 1 });
      return true;
    }
    this.#generations.end(row.name);
    this.#database.prepare("DELETE FROM pause WHERE domain = ?").run(row.name);
    // A declared domain keeps its API list for its return: commenting out a line must not delete the list.
    if (row.origin === "api") this.#generations.endSideList("overlay", row.name);
    this.#generations.endSideList("fetched", row.name);
    return false;
  }

  #holds(name: string): boolean {
    return this.#keys.of(name).some((key) => this.#holdsMail.get(key) !== undefined);
  }

  #unchanged(row: DomainRow, domain: StagedDomain): boolean {
    const sameList = this.#lists.hashOf(row.list) === (domain.hash ?? null);
    return row.draining === 0 && sameList && sameSettings(row, domain.settings);
  }

  #listFor({ name, hash }: StagedDomain, wanted: WantedList[]): number | null {
    if (hash === undefined) return null;
    const known = this.#lists.find(hash);
    if (known !== undefined) return known;
    const list = this.#lists.create(hash);
    wanted.push({ name, list });
    return list;
  }

  #put({ name, settings }: StagedDomain, origin: "file" | "api", list: number | null): void {
    this.#generations.put({ name, origin, settings: JSON.stringify(settings), list, draining: 0 });
  }

  #requireStage(): Stage {
    if (this.#stage === undefined)
      throw new Error("no change of the directory is open: a commit that failed ends it; try again");
    return this.#stage;
  }

  #requireCalm(): void {
    if (this.#stage !== undefined || this.sideLists.open)
      throw new Error("another change of the directory is in progress; try again when it has ended");
    if (this.#tainted) this.discard();
  }
}
