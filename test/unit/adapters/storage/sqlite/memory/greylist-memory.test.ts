import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { openGreylist, openWriter } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { ManualClock } from "../../../../../support/manual-clock.ts";
import { SILENT } from "../../../../../support/silent-log.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { waitFor } from "../../../../../support/wait.ts";

const HOUR = 3_600_000;
const SOON = { deadline: 5000, every: 5 };

test("a sighting is visible to its own thread at once, to other threads soon, and is removed when it expires", async () => {
  await using folder = await tempFolder();
  const clock = new ManualClock();
  const writer = openWriter({ folder: folder.path, clock, reserve: { bytes: 0 }, log: SILENT });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => writer.close());
  const open = () => {
    const { port1, port2 } = new MessageChannel();
    writer.serve("memory", port1);
    const memory = openGreylist(port2, { folder: folder.path, clock });
    stack.defer(() => {
      memory.close();
      port2.close();
    });
    return memory;
  };
  const [one, other] = [open(), open()];
  const first = { firstAt: clock.now(), passed: false, until: clock.now() + HOUR };
  one.note("a", first);
  assert.deepEqual(one.find("a"), first);
  assert.equal(other.find("a"), undefined);
  clock.advance(250);
  await waitFor({ what: "the sighting to be stored", ...SOON }, () =>
    Promise.resolve(other.find("a") !== undefined),
  );
  assert.deepEqual(other.find("a"), first);
  const passed = { firstAt: first.firstAt, passed: true, until: clock.now() + 48 * HOUR };
  other.note("a", passed);
  clock.advance(250);
  await waitFor({ what: "the sighting to be renewed", ...SOON }, () =>
    Promise.resolve(one.find("a")?.passed === true),
  );
  clock.advance(48 * HOUR);
  one.note("b", { firstAt: clock.now(), passed: false, until: clock.now() + HOUR });
  clock.advance(250);
  await waitFor({ what: "the expired sighting to be removed", ...SOON }, () =>
    Promise.resolve(other.find("a") === undefined && other.find("b") !== undefined),
  );
});
