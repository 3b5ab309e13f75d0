/** A list is read while mail moves: between its lanes, and between its reads. */
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

/** A list of so many recipients, `0@one.test` and on; `between` is called before each read of a lane but the first. */
async function listing(count: number, between: (read: number, move: Move) => void) {
  const store = await openSqliteStore();
  const file = join(store.folder, QUEUE_FILE);
  const addresses = Array.from({ length: count }, (_, n) => `${n}@one.test`);
  await accept(store.intake, newMail(store.clock.now(), { recipients: to(...addresses) }));
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
  const close = async (): Promise<void> => {
    reader.close();
    writer.close();
    await store[Symbol.asyncDispose]();
  };
  /** All pages of the list of one mail, one after the other. */
  const ofMail = async (limit: number) => {
    const [first] = (await list.list({ filter: {}, limit: 1 })).items;
    const filter = { id: first?.id ?? "" };
    const pages: string[][] = [];
    let next: string | undefined;
    do {
      const found = await list.list({ filter, limit, ...(next !== undefined && { cursor: next }) });
      pages.push(found.items.map(({ recipient }) => recipient));
      ({ next } = found);
    } while (next !== undefined);
    return pages;
  };
  return { page, ofMail, move, fresh, [Symbol.asyncDispose]: close };
}

/** The database, with a word before each read of a state. */
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
  it("shows once who leaves a state that was read for one that was not", async () => {
    await using site = await listing(3, (read, move) => read === 2 && move("1@one.test", "held"));
    assert.deepEqual(await site.page(10), ["0@one.test waiting", "1@one.test waiting", "2@one.test waiting"]);
  });

  it("does not miss who comes into a state that was read", async () => {
    await using site = await listing(3, (read, move) => read === 2 && move("1@one.test", "waiting"));
    site.move("1@one.test", "held");
    assert.deepEqual(await site.page(10), ["0@one.test waiting", "2@one.test waiting", "1@one.test held"]);
  });

  it("does not miss who comes into a state that was read beyond the time of the bulk act", async () => {
    await using site = await listing(600, (read, move) => read === 6 && move("599@one.test", "waiting"));
    for (let n = 0; n < 600; n++) site.move(`${n}@one.test`, "held");
    await site.fresh(2000);
    const shown = await site.page(1000);
    assert.equal(shown.length, 601);
    assert.equal(shown.filter((entry) => /^(?:599|fresh)@.* waiting$/.test(entry)).length, 2);
  });

  it("shows each once who moves between two reads of a long list, seen before or not", async () => {
    // The first look reads a stretch of each of the five states.
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

  it("shows all recipients of a mail that has more than a page of them", async () => {
    await using site = await listing(1500, () => undefined);
    const pages = await site.ofMail(1000);
    assert.deepEqual(
      pages.map((page) => page.length),
      [1000, 500],
    );
    assert.equal(new Set(pages.flat()).size, 1500);
  });

  it("finds those of a mail that stand behind a page of others", async () => {
    await using site = await listing(1500, () => undefined);
    for (let n = 0; n < 1499; n++) site.move(`${n}@one.test`, "gone");
    assert.deepEqual(await site.ofMail(10), [["1499@one.test"]]);
  });
});
