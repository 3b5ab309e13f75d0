import assert from "node:assert/strict";
import { test } from "node:test";
import { followStoreTrouble } from "../../../src/daemon/store-trouble.ts";
import type { JournalEvent } from "../../../src/ports/journal.ts";

test("the trouble of the store is known until it recovers; damage is known until the daemon ends", () => {
  const listeners: ((event: JournalEvent, at: number) => void)[] = [];
  const trouble = followStoreTrouble({ subscribe: (listener) => void listeners.push(listener) });
  const tell = (event: JournalEvent): void => listeners.forEach((listener) => listener(event, 0));
  assert.equal(trouble(), undefined);
  tell({ kind: "store.condition", condition: "full", why: "no block was left" });
  assert.equal(trouble(), "no block was left");
  tell({ kind: "store.condition", condition: "ok", why: "there is room again" });
  tell({ kind: "store.checked", findings: [], took: 1 });
  assert.equal(trouble(), undefined);
  tell({ kind: "store.checked", findings: ["recipient: row 7 missing"], took: 1 });
  assert.match(
    trouble() ?? "",
    /^the database is damaged \(recipient: row 7 missing\); docs\/operating\.md says how /,
  );
  tell({ kind: "store.condition", condition: "sick", why: "EIO" });
  assert.equal(trouble(), "EIO", "what stops mail now comes first");
  tell({ kind: "store.condition", condition: "ok", why: "it has proved itself" });
  assert.match(trouble() ?? "", /^the database is damaged/);
  tell({ kind: "thread.silent", thread: "delivery", silence: 60_000 });
  assert.match(trouble() ?? "", /^the database is damaged/);
  tell({ kind: "thread.silent", thread: "storage", silence: 60_000 });
  assert.match(
    trouble() ?? "",
    /^the storage thread does not answer, most likely because the disk does not;/,
  );
  tell({ kind: "thread.answers", thread: "storage", silence: 90_000 });
  assert.match(trouble() ?? "", /^the database is damaged/);
});
