import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { it } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { serveCheckpointer } from "../../../../../../src/adapters/storage/sqlite/disk/checkpointer.ts";
import { openMailDatabase } from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import { realDisk } from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { openAs } from "./file-faults.ts";

it("a closed checkpointer leaves neither its port nor its connection open", async () => {
  await using folder = await tempFolder();
  openMailDatabase(folder.path, realDisk).close();
  const { port1, port2 } = new MessageChannel();
  const checkpointer = serveCheckpointer(folder.path, port1);
  const closed = once(port2, "close");
  checkpointer.close();
  await closed;
  assert.deepEqual(openAs(join(folder.path, "queue.sqlite")), []);
});
