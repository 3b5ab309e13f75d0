import assert from "node:assert/strict";
import { it } from "node:test";
import { LEGAL_MOVES, RECIPIENT_STATES } from "../../../src/ports/recipient-state.ts";
import { accept, newMail } from "../../contract/mails.ts";
import { openSqliteStore } from "../../contract/sqlite-harness.ts";
import { FlakyDisk } from "../adapters/storage/sqlite/disk/flaky-disk.ts";

function token(state: string): number | null {
  return state === "claimed" ? 1 : null;
}

it("the schema allows exactly the moves of LEGAL_MOVES (all 36 pairs)", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  await accept(store.intake, newMail(store.clock.now()));
  const [database] = disk.opened as [(typeof disk.opened)[0]];
  const place = database.prepare(
    `INSERT OR REPLACE INTO recipient (mail, n, address, domain, state, due_at, token, since, updated_at)
     VALUES (1, 0, 'a', 'd', ?, 0, ?, 0, 0)`,
  );
  const move = database.prepare("UPDATE recipient SET state = ?, token = ? WHERE mail = 1");
  for (const from of RECIPIENT_STATES) {
    const allowed = RECIPIENT_STATES.filter((to) => {
      place.run(from, token(from));
      try {
        return move.run(to, token(to)).changes === 1;
      } catch (error) {
        assert.match(String(error), /illegal move/);
        return false;
      }
    });
    assert.deepEqual(allowed.toSorted(), LEGAL_MOVES[from].toSorted(), from);
  }
});

it("the schema rejects a state that is not in the table", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  await accept(store.intake, newMail(store.clock.now()));
  assert.throws(() => disk.opened[0]?.exec("UPDATE recipient SET state = 'lost'"), /illegal move|CHECK/);
});
