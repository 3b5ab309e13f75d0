/** A store whose lives end hard, one after the other, and what was promised of each mail. */
import { strict as assert } from "node:assert";
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import type { ClaimedMail } from "../../../src/ports/work-store.ts";
import { codeOf } from "../../../src/runtime/system-code.ts";
import { bodyOf, DEFERRED, DELIVERED, newMail, settlement } from "../../contract/mails.ts";
import type { Random } from "../../support/random.ts";
import { lookIntoStore } from "../storm/store-check.ts";
import { Life } from "./ends-life.ts";
import { sweepSpool } from "./enduring.ts";

/** `sent`, `handed over`: nobody heard how that ended. */
type Fate = "sent" | "refused" | "promised" | "handed over" | "gone";

interface Letter {
  readonly body: Buffer;
  fate: Fate;
}

const DOMAIN = "one.test";
const KB = 1024;
/** Bodies for a row, a segment and a file of their own, in bytes: least and most. */
const SIZES = [
  [1, 16 * KB],
  [16 * KB + 1, 64 * KB],
  [16 * KB + 1, 64 * KB],
  [64 * KB + 1, 200 * KB],
] as const;
/** Turns of the event loop that a sender takes for a chunk, at most. */
const SLOWEST = 6;
/** Turns of the event loop in which what was begun must be done. */
const PATIENCE = 20_000;
/** Longer than the store lets a disk rest, in ms. */
const REST = 6000;

export class EndsWorld {
  readonly #letters = new Map<string, Letter>();
  readonly #home: string;
  #lives = 0;
  #life: Life;

  static async open(home: string): Promise<EndsWorld> {
    return new EndsWorld(home, await Life.open(join(home, "life-0")));
  }

  private constructor(home: string, life: Life) {
    this.#home = home;
    this.#life = life;
  }

  get life(): Life {
    return this.#life;
  }

  /** A sender, who is not waited for. */
  send(random: Random): string {
    const life = this.#life;
    const id = `letter-${this.#letters.size + 1}`;
    const [least, most] = random.pick(SIZES);
    const body = Buffer.alloc(least + random.below(most - least), `${id} ${random.below(1e9)} `);
    const letter: Letter = { body, fate: "sent" };
    const pace = random.below(SLOWEST);
    this.#letters.set(id, letter);
    life.begin(async () => {
      const answer = await life.accept(newMail(life.clock.now(), { id }), body, pace);
      if (!life.over) letter.fate = answer.kind === "accepted" ? "promised" : "refused";
    });
    return `${id} of ${body.length}`;
  }

  /** The delivery thread takes some of what is due, and is not waited for. */
  handOver(random: Random): void {
    const life = this.#life;
    const limit = 1 + random.below(8);
    life.begin(async () => {
      const now = life.clock.now();
      for (const mail of await life.work.claim({ domain: DOMAIN, limit, now }))
        await this.#handOverOne(mail, random.pick(["delivered", "delivered", "deferred", "kept"]));
    });
  }

  /** An operator exports a mail, and is not waited for. */
  look(random: Random): void {
    const life = this.#life;
    const promised = [...this.#letters].filter(([, { fate }]) => fate === "promised");
    if (promised.length === 0) return;
    const [id, letter] = random.pick(promised);
    life.begin(async () => {
      const octets = await this.#export(id).catch((error: unknown) => error);
      const isWhole = Buffer.isBuffer(octets) && octets.subarray(-letter.body.length).equals(letter.body);
      const isGone = octets === undefined && letter.fate !== "promised";
      life.require(life.over || isWhole || isGone, `${id} was promised and is not exported`);
    });
  }

  /** All that was begun is done, and the disk is well. */
  async calm(): Promise<void> {
    const life = this.#life;
    await life.settled();
    life.heal();
    await this.#until(() => {
      if (life.store.writer.condition === "ok") return true;
      life.clock.advance(REST);
      return false;
    }, "the disk is well");
  }

  /** The process is killed now, or the storage thread ends and the others do what they still can. */
  async end(how: "process" | "storage thread"): Promise<void> {
    const life = this.#life;
    const next = join(this.#home, `life-${(this.#lives += 1)}`);
    copyFiles(life.folder, next);
    const copySpool = (): void => copyFiles(join(life.folder, "spool"), join(next, "spool"));
    if (how === "process") copySpool();
    await life.die();
    if (how === "storage thread") copySpool();
    await life.close();
    await rm(life.folder, { recursive: true });
    this.#life = await Life.open(next, life.clock.now() + REST);
  }

  async restart(): Promise<void> {
    const { folder, clock } = this.#life;
    await this.calm();
    await this.#life.close();
    this.#life = await Life.open(folder, clock.now() + REST);
  }

  /** What was promised is there, whole; what was refused or delivered is not. */
  async compare(): Promise<void> {
    const there = await this.#ids();
    for (const id of there) assert.ok(this.#letters.has(id), `${id} is nobody's`);
    for (const [id, letter] of this.#letters) {
      const { fate } = letter;
      if (fate === "promised") assert.ok(there.has(id), `${id} was promised and is lost`);
      if (fate === "refused" || fate === "gone") assert.ok(!there.has(id), `${id} was ${fate} and is there`);
      if (fate === "sent") letter.fate = there.has(id) ? "promised" : "refused";
      if (fate === "handed over") letter.fate = there.has(id) ? "promised" : "gone";
      if (there.has(id)) await this.#compareBody(id, letter.body);
    }
  }

  /** All is delivered, and nothing is left that nobody needs. */
  async finish(): Promise<void> {
    await this.calm();
    await this.compare();
    const { life } = this;
    while ((await this.#ids()).size > 0) {
      life.clock.advance(REST);
      const claims = await life.work.claim({ domain: DOMAIN, limit: 1000, now: life.clock.now() });
      for (const mail of claims) await this.#handOverOne(mail, "delivered");
      if (claims.length === 0) life.replaceDelivery();
    }
    life.endIntakes();
    for (let turns = 0; turns < 10; turns++) await turn();
    await sweepSpool(life.store);
    await life.close();
    await this.#until(() => lookIntoStore(life.folder).failures.length === 0, "the data folder is clean");
  }

  async #handOverOne(mail: ClaimedMail, how: "delivered" | "deferred" | "kept"): Promise<void> {
    const life = this.#life;
    const letter = this.#letters.get(mail.id) ?? assert.fail(`${mail.id} is nobody's`);
    const body = await bodyOf(mail).catch((error: unknown) => error);
    if (life.over) return;
    life.require(Buffer.isBuffer(body) && body.equals(letter.body), `the body of ${mail.id} is damaged`);
    if (how === "kept") return;
    const now = life.clock.now();
    if (how === "deferred") {
      await life.work.settle(settlement(mail, { state: "waiting", outcome: DEFERRED, dueAt: now }, now));
      return;
    }
    letter.fate = "handed over";
    const done = await life.work.settle(settlement(mail, { state: "gone", outcome: DELIVERED }, now));
    if (!life.over && done) letter.fate = "gone";
  }

  async #ids(): Promise<ReadonlySet<string>> {
    const { items } = await this.#life.store.reader.list({ filter: {}, limit: 1000 });
    return new Set(items.filter(({ state }) => state !== "gone").map(({ id }) => id));
  }

  async #export(id: string): Promise<Buffer | undefined> {
    const mail = await this.#life.store.reader.export(id);
    return mail && (await buffer(mail));
  }

  async #compareBody(id: string, body: Buffer): Promise<void> {
    const octets = await this.#export(id);
    assert.ok(octets?.subarray(-body.length).equals(body), `the body of ${id} is not what was sent`);
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    for (let turns = 0; !isSo(); turns++) {
      if (turns > PATIENCE) throw new Error(`not so: ${what}`);
      await turn();
    }
  }
}

/** All at this moment, but for files that are just being removed, and those that are made again in any case. */
function copyFiles(from: string, to: string): void {
  mkdirSync(to);
  for (const file of readdirSync(from, { withFileTypes: true }))
    try {
      if (file.isFile() && !file.name.endsWith("-shm") && file.name !== "ballast")
        copyFileSync(join(from, file.name), join(to, file.name));
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
}
