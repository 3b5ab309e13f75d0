import assert from "node:assert/strict";
import { it } from "node:test";
import { Batch } from "../../../../../../src/adapters/storage/sqlite/commit/batch.ts";

/** A batch that absorbed the effects of a job. */
function absorbing(did: string[]): Batch {
  const [batch, job] = [new Batch(), new Batch()];
  batch.onCommit(() => did.push("own"));
  batch.onRollback(() => did.push("undo own"));
  batch.addWork("one.test", 2);
  job.onCommit(() => did.push("job's"));
  job.onRollback(() => did.push("undo job's"));
  job.addWork("one.test", 3);
  job.addWork("two.test", 1);
  batch.absorb(job);
  return batch;
}

it("runs the commit effects of its jobs in order when it is committed", () => {
  const did: string[] = [];
  const batch = absorbing(did);
  batch.committed();
  assert.deepEqual(did, ["own", "job's"]);
  assert.deepEqual(
    [...batch.work],
    [
      ["one.test", 5],
      ["two.test", 1],
    ],
  );
});

it("runs the rollback effects of its jobs in reverse order when it is rolled back", () => {
  const did: string[] = [];
  absorbing(did).rolledBack();
  assert.deepEqual(did, ["undo job's", "undo own"]);
});
