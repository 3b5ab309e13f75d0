import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { ConnectionTable } from "../../../../src/runtime/limits.ts";
import { FakeInspection } from "../../../support/fake-inspection.ts";
import { openSmtp } from "../../../support/raw-smtp.ts";
import { startBench } from "../../../support/smtp-bench.ts";
import { waitFor } from "../../../support/wait.ts";

const WAIT = { deadline: 20_000, every: 2 };

const WAYS: Readonly<Record<string, (socket: Socket) => void>> = {
  "is reset": (socket) => void socket.resetAndDestroy(),
  ends: (socket) => void socket.end(),
  "is closed with more on its way": (socket) => {
    socket.write("QUIT\r\n");
    socket.destroy();
  },
};

for (const [how, leave] of Object.entries(WAYS))
  test(`a client whose connection ${how} while its mail is looked at leaves nothing behind, or one whole mail`, async () => {
    const looked = Promise.withResolvers<void>();
    const spoken = Promise.withResolvers<void>();
    const fake = new FakeInspection();
    fake.answer = async () => {
      looked.resolve();
      await spoken.promise;
      return { verdict: { kind: "accept" } };
    };
    await using bench = await startBench({ inspections: [fake] });
    const smtp = await openSmtp(bench.port);
    assert.ok(smtp);
    for (const line of ["EHLO c.example", "MAIL FROM:<a@b.example>", "RCPT TO:<alice@our.test>", "DATA"])
      assert.ok(((await smtp.command(line))?.code ?? 500) < 400);
    smtp.write("Subject: x\r\n\r\nhi\r\n.\r\n");
    await looked.promise;
    leave(smtp.socket);
    spoken.resolve();
    const table = new ConnectionTable(bench.limits, 0);
    await waitFor({ what: "its place", ...WAIT }, () => table.total() === 0);
    assert.equal(bench.intake.open.size, 0);
    assert.deepEqual(bench.errors, []);
    // Whether we notice in time that it has left is chance: the mail is whole, or there is none.
    assert.ok(bench.intake.mails.length <= 1);
    for (const { body } of bench.intake.mails) assert.equal(body.toString(), "Subject: x\r\n\r\nhi\r\n");
    smtp.close();
  });
