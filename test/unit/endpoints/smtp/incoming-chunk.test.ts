import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { say } from "../../../../src/endpoints/smtp/answer.ts";
import { IncomingBody } from "../../../../src/endpoints/smtp/incoming-body.ts";
import { IncomingChunk } from "../../../../src/endpoints/smtp/incoming-chunk.ts";
import { Session } from "../../../../src/endpoints/smtp/session.ts";
import { benchParts } from "../../../support/smtp-bench.ts";

async function openBody() {
  const { settings, ...parts } = benchParts();
  const session = new Session(
    { ...parts, greeting: { delay: () => 0, delivered: () => {} }, settings: () => settings },
    "192.0.2.1",
  );
  for (const line of ["EHLO c", "MAIL FROM:<>", "RCPT TO:<alice@our.test>"])
    await session.command(Buffer.from(line));
  const { transaction } = session;
  assert.ok(transaction !== undefined);
  const client = { ip: "192.0.2.1", helo: "c" };
  return { ...parts, body: new IncomingBody({ ...parts, transaction, client, framing: "plain" }) };
}

describe("IncomingChunk", () => {
  test("a short rest does not keep the octets before it alive", async () => {
    const { body } = await openBody();
    const { rest } = new IncomingChunk({ octets: 9, last: false }, body).take(Buffer.from("aabbccddeeff"));
    assert.equal(rest?.toString(), "eff");
    assert.equal(rest.buffer.byteLength, 3);
  });

  test("a segment of the smallest chunks is not copied again and again", async () => {
    const { body } = await openBody();
    let segment: Buffer = Buffer.alloc(1_000_000, "x");
    const { buffer } = segment;
    for (let chunks = 0; chunks < 100; chunks++)
      segment = new IncomingChunk({ octets: 1, last: false }, body).take(segment).rest ?? segment;
    assert.equal(segment.length, 1_000_000 - 100);
    assert.equal(segment.buffer, buffer);
  });

  test("what is written only at the end of the last chunk must be on its way before the answer", async () => {
    const { body, intake } = await openBody();
    const chunk = new IncomingChunk({ octets: 9, last: true }, body);
    assert.equal(chunk.take(Buffer.from("A: 1\r\n\r\n\r")).rest?.length, 0);
    const broken = Promise.withResolvers<void>();
    intake.onWrite = () => broken.promise;
    const answer = chunk.finish();
    broken.reject(new Error("the disk is gone"));
    assert.equal((await answer).reply.code, 451);
    assert.deepEqual(intake.mails, []);
  });

  test("a refused chunk is read to its end, and only then refused", async () => {
    const chunk = new IncomingChunk({ octets: 10, last: true }, say(503, "5.5.1", "no"));
    assert.deepEqual(chunk.take(Buffer.from("12345")), {});
    assert.equal(chunk.take(Buffer.from("67890NOOP")).rest?.toString(), "NOOP");
    assert.equal((await chunk.finish()).reply.code, 503);
  });
});
