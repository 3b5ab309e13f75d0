import assert from "node:assert/strict";
import { test } from "node:test";
import { factsJson, membersJson, plainText } from "../../../../src/adapters/journal/plain.ts";

test("plain text has no control or direction characters and a bounded length", () => {
  assert.equal(plainText("a\r\nb\u001b[31mc\u202ed\u2066e\u009bf\u0000"), "a b [31mc d e f");
  assert.equal(plainText("\ud800x").isWellFormed(), true);
  assert.equal(plainText("x".repeat(5000)).length, 1001);
});

/** The members as whoever reads the log has them. */
function written(fields: object): Record<string, unknown> {
  return JSON.parse(`{${membersJson(fields)}}`) as Record<string, unknown>;
}

test("fields are bounded in depth, length and number", () => {
  const loop: Record<string, unknown> = {
    text: "a\nb",
    when: 5n,
    none: null,
    run: () => 1,
    nothing: undefined,
    error: new Error("e\n1"),
    nan: NaN,
    holes: [undefined, "x"],
    long: "x".repeat(3000),
  };
  loop["self"] = loop;
  loop["many"] = Array.from({ length: 30 }, (_, i) => i);
  const { self, many, long, ...rest } = written(loop);
  assert.deepEqual(rest, {
    text: "a b",
    when: "5",
    none: null,
    error: "e 1",
    nan: null,
    holes: [null, "x"],
  });
  assert.equal((long as string).length, 1001);
  assert.deepEqual([(many as unknown[]).length, (many as unknown[]).at(-1)], [21, "and 10 more"]);
  assert.equal((self as { self: { self: unknown } }).self.self, "…");
  assert.equal(
    Object.keys(written(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [i, i])))).length,
    40,
  );
});

test("texts are unchanged except for the removed characters", () => {
  const texts = { text: "plain", quoted: 'a "b" \\ c', empty: "", wide: "grüß" };
  assert.deepEqual(written(texts), texts);
  assert.deepEqual(written({ blanks: "  x ", lone: "\ud800", ctl: "a\nb\u202ec" }), {
    blanks: "x",
    lone: "\ufffd",
    ctl: "a b c",
  });
});

test("hostile keys stay plain keys", () => {
  const fields = written(JSON.parse('{"__proto__":{"polluted":1},"a\\u001b":2}') as object);
  assert.equal((fields as { polluted?: number }).polluted, undefined);
  assert.deepEqual(Object.keys(fields), ["__proto__", "a"]);
});

test("both ways of writing fields give the same JSON, whatever they contain", () => {
  const hostile = [
    "",
    "plain",
    'a "b"',
    "back\\slash",
    "a\r\nb\u202ec",
    "\u007f\u0085",
    "\ud800",
    "grüß",
    "x".repeat(2000),
  ];
  for (const text of hostile)
    for (const facts of [{}, { text }, { n: 1, list: [text, "z"], gone: undefined }])
      assert.equal(factsJson(facts), membersJson(facts), text);
});
