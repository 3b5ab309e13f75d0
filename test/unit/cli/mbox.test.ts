import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { mboxOf } from "../../../src/cli/mbox.ts";

const ENVELOPE = { sender: "a@b.example", acceptedAt: 0 };

function written(pieces: readonly string[]): AsyncGenerator<Buffer> {
  const mail = pieces.map((piece) => Buffer.from(piece, "latin1"));
  return mboxOf(Readable.from(mail, { objectMode: false }), ENVELOPE);
}

test("a mail that is one line goes out as it comes", async () => {
  const mbox = mboxOf(Readable.from(Array<Buffer>(50).fill(Buffer.alloc(1000, ">"))), ENVELOPE);
  await mbox.next();
  for (let i = 0; i < 50; i++) {
    const { value } = await mbox.next();
    assert.equal(value?.length, 1000, `piece ${i}`);
  }
  assert.equal(String((await mbox.next()).value), "\n\n");
});

test("lines that look like the beginning of a mail are quoted, wherever pieces end; the last line gets its end", async () => {
  const mail =
    "From here\r\nFrom\r\n>From x\r\n From z\r\n>>From \r\nthe From line\rFrom y\r\n>\r\n\xe9\r\nFro";
  const whole =
    "From a@b.example Thu Jan  1 00:00:00 1970\n>From here\nFrom\n>>From x\n From z\n>>>From \nthe From line\rFrom y\n>\n\xe9\nFro\n\n";
  for (let size = 1; size <= mail.length; size++) {
    const pieces = Array.from({ length: Math.ceil(mail.length / size) }, (_, i) =>
      mail.slice(i * size, (i + 1) * size),
    );
    const parts: Buffer[] = await Readable.from(written(pieces)).toArray();
    assert.equal(Buffer.concat(parts).toString("latin1"), whole, `pieces of ${size}`);
  }
});
