import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DotStuffer } from "../../../../src/adapters/smtp-client/dot-stuffing.ts";

function stuff(chunks: readonly string[]): string {
  const stuffer = new DotStuffer();
  const parts = chunks.flatMap((chunk) => stuffer.push(Buffer.from(chunk)));
  return Buffer.concat([...parts, stuffer.end()]).toString();
}

test("only dots at line starts are doubled, however the body is cut", () => {
  const line = fc.constantFrom("", ".", "..", "a.b", "text", ".x");
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(8)), (lines, cuts) => {
      const body = lines.map((text) => `${text}\r\n`).join("");
      const chunks: string[] = [];
      let at = 0;
      for (const cut of cuts) {
        chunks.push(body.slice(at, at + cut));
        at += cut;
      }
      chunks.push(body.slice(at));
      const expected = lines.map((text) => `${text.startsWith(".") ? "." : ""}${text}\r\n`).join("");
      assert.equal(stuff(chunks), `${expected}.\r\n`);
    }),
  );
});

test("a body that does not end with CRLF gets one", () => {
  assert.equal(stuff(["a\r\n.b"]), "a\r\n..b\r\n.\r\n");
});
