/** A store with its clients, and beside it the model of what it must hold. */
import { strict as assert } from "node:assert";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { ClaimedMail, WorkEvent } from "../../../src/ports/work-store.ts";
import { bodyOf, sha256 } from "../../contract/mails.ts";
import { crashCopy } from "../../contract/sqlite-harness.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { FlakyDisk } from "../../unit/adapters/storage/sqlite/disk/flaky-disk.ts";
import { Clients } from "./clients.ts";
import { MemoryModel } from "./memory-model.ts";
import type { Paging } from "./paging.ts";
import { type Claimable, QueueModel } from "./queue-model.ts";

/** A mail in the delivery thread's hands, and what its body must be. */
export interface Claim {
  readonly mail: ClaimedMail;
  readonly body: Buffer;
}

/** Turns of the event loop in which what was begun must be done. */
const PATIENCE = 5000;

export class World {
  readonly clock = new ManualClock();
  readonly disk = new FlakyDisk();
  readonly queue = new QueueModel();
  readonly memory = new MemoryModel();
  /** Claims that are not settled whole. */
  claims: Claim[] = [];
  /** Claims that were, or that were lost with the thread that held them. */
  past: Claim[] = [];
  /** A list that is being read. */
  paging: Paging | undefined;
  readonly #home: string;
  #folders = 0;
  #mails = 0;
  #events: WorkEvent[] = [];
  #clients: Clients | undefined;
  #lastToken = 0;

  private constructor(home: string) {
    this.#home = home;
  }

  /** With a store in a folder below `home`. */
  static async open(home: string): Promise<World> {
    const world = new World(home);
    await world.#open();
    return world;
  }

  get clients(): Clients {
    return this.#clients ?? assert.fail("the store is not open");
  }

  get folder(): string {
    return join(this.#home, `data-${this.#folders}`);
  }

  now(): number {
    return this.clock.now();
  }

  nextId(): string {
    this.#mails += 1;
    return `mail-${this.#mails}`;
  }

  /** Closed in order, and opened again. */
  async restart(): Promise<void> {
    await this.close();
    this.#forgetThreads();
    await this.#open();
  }

  /** Opens what a killed process would leave; answers how many recipients it found in conversation. */
  async crash(): Promise<number> {
    const { clients, folder } = this;
    this.#folders += 1;
    await crashCopy({ folder }, this.folder);
    await clients.close();
    await rm(folder, { recursive: true });
    const lost = this.#forgetThreads();
    await this.#open();
    assert.equal(this.clients.store.writer.recovered, lost, "recipients found in conversation");
    return lost;
  }

  async killDelivery(): Promise<void> {
    this.clients.replaceDelivery();
    const lost = this.#loseClaims();
    await this.until(async () => {
      const { items } = await this.clients.store.reader.list({ filter: { state: "claimed" }, limit: 1 });
      return items.length === 0;
    }, `${lost} claims of a dead thread are given up`);
  }

  close(): Promise<void> {
    return this.clients.close();
  }

  /** Turn after turn of the event loop. */
  async until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
    for (let turns = 0; !(await isSo()); turns++) {
      if (turns > PATIENCE) throw new Error(`not so: ${what}`);
      await turn();
    }
  }

  /** What was claimed unasked, by credit, and what became due, as the delivery thread was told. */
  async hear(expected: readonly Claimable[]): Promise<void> {
    await this.clients.work.work();
    const told = new Map<string, number>();
    const claimed: ClaimedMail[] = [];
    for (const event of this.#events.splice(0))
      if (event.kind === "claimed") claimed.push(event.mail);
      else if (event.kind === "work")
        told.set(event.domain, (told.get(event.domain) ?? 0) + event.recipients);
    assert.deepEqual(told, new Map(this.queue.work), "recipients that became due, as told");
    this.queue.work.clear();
    await this.take(claimed, expected);
  }

  /** These came for claims that the model expects in this order. */
  async take(claimed: readonly ClaimedMail[], expected: readonly Claimable[], now?: number): Promise<void> {
    const named = (id: string, key: string): string => `${id} for ${key}`;
    assert.deepEqual(
      claimed.map(({ id, domain }) => named(id, domain)),
      expected.map(({ mail, key }) => named(mail.mail.id, key)),
      "claims",
    );
    for (const [i, mail] of claimed.entries()) {
      const claimable = expected[i] as Claimable;
      await this.#compare(mail, claimable);
      this.queue.mark(claimable, mail.token, now ?? mail.acceptedAt);
      this.claims.push({ mail, body: claimable.mail.body });
    }
  }

  async #compare(claimed: ClaimedMail, { mail, recipients }: Claimable): Promise<void> {
    const { token, domain: _domain, body, ...facts } = claimed;
    assert.ok(token > this.#lastToken, `token ${token} comes after ${this.#lastToken}`);
    this.#lastToken = token;
    const { sender, acceptedAt, client, topFields, smtpUtf8, eightBit, dsn, authentication } = mail.mail;
    assert.deepEqual(facts, {
      id: mail.mail.id,
      sender,
      acceptedAt,
      client,
      topFields,
      smtpUtf8,
      eightBit,
      ...(dsn !== undefined && { dsn }),
      ...(authentication !== undefined && { authentication }),
      size: mail.body.length,
      recipients: recipients.map(({ n, address, attempts, unconfirmed, notify, orcpt }) => ({
        n,
        address,
        attempts,
        unconfirmed,
        ...(notify !== undefined && { notify }),
        ...(orcpt !== undefined && { orcpt }),
      })),
    });
    await compareBody({ mail: claimed, body: mail.body });
    assert.equal(body.digest(), sha256(mail.body));
  }

  async #open(): Promise<void> {
    const { clock, disk, folder } = this;
    const onEvent = (event: WorkEvent): void => void this.#events.push(event);
    this.#clients = await Clients.open({ clock, disk, folder, onEvent });
  }

  #forgetThreads(): number {
    this.memory.restart();
    this.#events = [];
    // A clock that was set back may give a number twice, but nobody outlives the process to whom it was given.
    this.#lastToken = 0;
    const lost = this.#loseClaims();
    this.past = [];
    return lost;
  }

  #loseClaims(): number {
    this.past.push(...this.claims.splice(0));
    return this.queue.abandon(this.now());
  }
}

export async function compareBody({ mail, body }: Claim): Promise<void> {
  const read = await bodyOf(mail);
  assert.ok(read.equals(body), `the body of ${mail.id}: ${read.length} octets instead of ${body.length}`);
}
