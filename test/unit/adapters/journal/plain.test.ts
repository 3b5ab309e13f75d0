import assert from "node:assert/strict";
import { test } from "node:test";
import {
  factsJson,
  membersJson,
  plainFields,
  plainJson,
  plainText,
} from "../../../../src/adapters/journal/plain.ts";

test("text loses what could steer a terminal or a reader, and what is too long", () => {
  assert.equal(plainText("a\r\nb\u001b[31mc\u202ed\u2066e\u009bf\u0000"), "a b [31mc d e f");
  assert.equal(plainText("\ud800x").isWellFormed(), true);
  assert.equal(plainText("x".repeat(5000)).length, 1001);
});

test("fields can be cloned and are bounded in depth, length and number", () => {
  const loop: Record<string, unknown> = {
    text: "a\nb",
    when: 5n,
    none: null,
    run: () => 1,
    error: new Error("e\n1"),
  };
  loop["self"] = loop;
  loop["many"] = Array.from({ length: 30 }, (_, i) => i);
  const fields = plainFields(loop);
  assert.equal(fields["text"], "a b");
  assert.equal(fields["when"], "5");
  assert.equal(fields["run"], undefined);
  assert.equal(fields["error"], "e 1");
  assert.equal((fields["many"] as unknown[]).length, 21);
  assert.equal((fields["many"] as unknown[]).at(-1), "and 10 more");
  assert.doesNotThrow(() => structuredClone(fields));
});

test("hostile keys stay plain keys", () => {
  const fields = plainFields(
    JSON.parse('{"__proto__":{"polluted":1},"a\\u001b":2}') as Record<string, unknown>,
  );
  assert.equal((fields as { polluted?: number }).polluted, undefined);
  assert.deepEqual(Object.keys(fields), ["__proto__", "a"]);
});

test("JSON made in one go says the same as the fields", () => {
  const deep = { one: { two: { three: { four: 1 } } } };
  const values: Record<string, unknown>[] = [
    {
      text: "plain",
      quoted: 'a "b" \\ c',
      blanks: "  x ",
      empty: "",
      lone: "\ud800",
      wide: "grüß",
      ctl: "a\nb\u202ec",
    },
    {
      when: 5n,
      none: null,
      run: () => 1,
      nothing: undefined,
      error: new Error("e\n1"),
      yes: true,
      nan: NaN,
      half: 0.5,
    },
    {
      many: Array.from({ length: 30 }, (_, i) => i),
      holes: [undefined, () => 1, "x"],
      deep,
      long: "x".repeat(3000),
    },
    Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`key ${i}`, i])),
    JSON.parse('{"__proto__":{"polluted":1},"a\\u001b\\"":2}') as Record<string, unknown>,
    {},
  ];
  for (const value of values) assert.equal(plainJson(value), JSON.stringify(plainFields(value)));
});

test("facts are the same members, whatever is in them", () => {
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
