/** Lists are read while recipients change their state: between the reads of states, and between reads of one state. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { join } from "node:path";
import { openMailReader, QUEUE_FILE } from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import { realDisk } from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import { QueueList } from "../../../../../../src/adapters/storage/sqlite/reader/queue-list.ts";
import type { RecipientState } from "../../../../../../src/ports/recipient-state.ts";
import { accept, newMail, to } from "../../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";

type Opened = ReturnType<typeof openMailReader>;
type Move = (recipient: string, state: RecipientState) => void;

/** A list of `count` recipients from `0@one.test` on; `between` runs before each read of a state except the first. */
async function listing(count: number, between: (read: number, move: Move) => void) {
  const store = await openSqliteStore();
  const file = join(store.folder, QUEUE_FILE);
  const addresses = Array.from({ length: count }, (_, n) => `${n}@one.test`);
  const mail = newMail(store.clock.now(), { recipients: to(...addresses) });
  await accept(store.intake, mail);
  const fresh = (later: number): Promise<unknown> =>
    accept(store.intake, newMail(store.clock.now() + later, { recipients: to("fresh@one.test") }));
  const writer = realDisk.openDatabase(file, {});
  const reader = openMailReader(store.folder);
  const moving = writer.prepare(
    "UPDATE recipient SET state = ?, reason = ?, since = since + ? WHERE address = ?",
  );
  let moment = 0;
  const move: Move = (recipient, state) =>
    void moving.run(state, state === "held" ? "operator" : null, ++moment, recipient);
  let reads = 0;
  const list = new QueueList(seen(reader, () => reads++ > 0 && between(reads, move)));
  const page = async (limit: number) => {
    const { items } = await list.list({ filter: {}, limit });
    return items.map(({ recipient, state }) => `${recipient} ${state}`);
  };
  /** The mail's recipients that are in this state, page by page. */
  const ofMail = async (state: RecipientState, limit: number) => {
    const found: string[][] = [];
    let next: string | undefined;
    do {
      const cursor = next === undefined ? {} : { cursor: next };
      const page = await list.list({ filter: { id: mail.id, state }, limit, ...cursor });
      found.push(page.items.map(({ recipient }) => recipient));
      ({ next } = page);
    } while (next !== undefined);
    return found;
  };
  const close = async (): Promise<void> => {
    reader.close();
    writer.close();
    await store[Symbol.asyncDispose]();
  };
  return { page, ofMail, move, fresh, [Symbol.asyncDispose]: close };
}

/** The database, with a call of `before` ahead of each read of a state. */
function seen(database: Opened, before: () => void): Opened {
  const prepare = database.prepare.bind(database);
  const watched = (sql: string): ReturnType<typeof prepare> => {
    const statement = prepare(sql);
    if (!sql.includes("recipient_age")) return statement;
    const all = statement.all.bind(statement);
    return Object.assign(statement, {
      all: (...given: unknown[]) => {
        before();
        return all(...given);
      },
    });
  };
  return Object.assign(database, { prepare: watched });
}

describe("QueueList", () => {
  it("lists a recipient once that moves from a state already read to a state not yet read", async () => {
    await using site = await listing(3, (read, move) => read === 2 && move("1@one.test", "held"));
    assert.deepEqual(await site.page(10), ["0@one.test waiting", "1@one.test waiting", "2@one.test waiting"]);
  });

  it("lists a recipient that moves from a state not yet read to a state already read", async () => {
    await using site = await listing(3, (read, move) => read === 2 && move("1@one.test", "waiting"));
    site.move("1@one.test", "held");
    assert.deepEqual(await site.page(10), ["0@one.test waiting", "2@one.test waiting", "1@one.test held"]);
  });

  it("lists a recipient that moves to a state already read past the time of the bulk change", async () => {
    await using site = await listing(600, (read, move) => read === 6 && move("599@one.test", "waiting"));
    for (let n = 0; n < 600; n++) site.move(`${n}@one.test`, "held");
    await site.fresh(2000);
    const shown = await site.page(1000);
    assert.equal(shown.length, 601);
    assert.equal(shown.filter((entry) => /^(?:599|fresh)@.* waiting$/.test(entry)).length, 2);
  });

  it("lists each recipient once that moves between two reads of a long list, listed before or not", async () => {
    // The first five reads take one stretch of each of the five states.
    await using site = await listing(600, (read, move) => {
      if (read !== 6) return;
      move("5@one.test", "held");
      move("599@one.test", "held");
    });
    const shown = await site.page(1000);
    assert.equal(shown.length, 600);
    assert.equal(new Set(shown.map((entry) => entry.split(" ")[0])).size, 600);
    assert.deepEqual(
      shown.filter((entry) => /^(?:5|599)@/.test(entry)),
      ["5@one.test waiting", "599@one.test held"],
    );
  });

  it("lists all recipients of one mail, whatever the page size", async () => {
    await using site = await listing(1500, () => {});
    site.move("3@one.test", "held");
    site.move("1400@one.test", "held");
    const waiting = Array.from({ length: 1500 }, (_, n) => `${n}@one.test`);
    for (const n of [1400, 3]) waiting.splice(n, 1);
    for (const limit of [7, 998, 999, 1000, 5000])
      assert.deepEqual((await site.ofMail("waiting", limit)).flat(), waiting, `${limit}`);
    assert.deepEqual((await site.ofMail("held", 1)).flat(), ["3@one.test", "1400@one.test"]);
    await using few = await listing(4, () => {});
    assert.deepEqual(
      (await few.ofMail("waiting", 2)).map(({ length }) => length),
      [2, 2],
      "no empty page at the end",
    );
  });

  it("finds the matching recipient of a mail behind more than a page of recipients that do not match", async () => {
    await using site = await listing(1500, () => undefined);
    for (let n = 0; n < 1499; n++) site.move(`${n}@one.test`, "gone");
    assert.deepEqual(await site.ofMail("waiting", 10), [["1499@one.test"]]);
  });
});
