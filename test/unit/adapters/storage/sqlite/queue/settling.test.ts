import assert from "node:assert/strict";
import { it } from "node:test";
import { crc32 } from "node:zlib";
import { Segments } from "../../../../../../src/adapters/storage/sqlite/bodies/segments.ts";
import { spoolIn } from "../../../../../../src/adapters/storage/sqlite/bodies/spool-place.ts";
import { Batch } from "../../../../../../src/adapters/storage/sqlite/commit/batch.ts";
import { makePrivateFolder, realDisk } from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import { Sessions, WorkSession } from "../../../../../../src/adapters/storage/sqlite/queue/sessions.ts";
import { makeSharedState } from "../../../../../../src/adapters/storage/sqlite/wire/shared-state.ts";
import { wireMail, wireSettlement } from "../../../../../../src/adapters/storage/sqlite/wire/wire.ts";
import { openStore } from "../../../../../../src/adapters/storage/sqlite/writer/store.ts";
import { DELIVERED, newMail, to } from "../../../../../contract/mails.ts";
import { SILENT } from "../../../../../support/silent-log.ts";
import { folderInMemory } from "../../../../../support/temp-folder.ts";

it("keeps a claim until the settlement of its last recipient is committed", async () => {
  await using folder = await folderInMemory();
  makePrivateFolder(spoolIn(folder.path));
  const sessions = new Sessions(() => 1);
  const session = new WorkSession(() => {});
  sessions.add(session);
  const store = openStore({
    folder: folder.path,
    shared: makeSharedState(),
    disk: realDisk,
    log: SILENT,
    sessions,
    segments: new Segments(),
  });
  const durably = <T>(act: (batch: Batch) => T): T => {
    const batch = new Batch();
    const result = act(batch);
    batch.committed();
    return result;
  };
  const mail = newMail(0, { recipients: to("a@one.test", "b@one.test", "c@one.test") });
  const body = Buffer.from("body");
  const stored = { size: body.length, spool: null, crc: crc32(body) };
  durably((batch) => store.accepting.accept({ mail: wireMail(mail, stored), body }, batch));
  const request = { domain: "one.test", limit: 1, now: 0 };
  const [claim] = durably((batch) => store.claiming.claim(request, session, batch));
  const [token] = claim as NonNullable<typeof claim>;
  const settle = (ns: readonly number[], batch: Batch): boolean => {
    const recipients = ns.map((n) => ({ n, outcome: DELIVERED, state: "gone" as const }));
    return store.settling.settle(wireSettlement({ id: mail.id, token, now: 1, recipients }), batch);
  };
  assert.equal(
    durably((batch) => settle([0], batch)),
    true,
  );
  assert.equal(sessions.holds(token), true, "two recipients are left");
  const last = new Batch();
  assert.equal(settle([1, 2], last), true);
  assert.equal(sessions.holds(token), true, "the commit may still fail");
  last.committed();
  assert.equal(sessions.holds(token), false);
  store.database.close();
});
