import assert from "node:assert/strict";
import { test } from "node:test";
import { hasMoreParts, repeatedKey } from "../../../../src/endpoints/admin/json-text.ts";

test("a key is repeated where one mapping has it twice, however it is spelled and whatever strings hold", () => {
  for (const json of [
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '[{"b":[{"a":1 , "a" :2}]}]',
    '{"a":"\\\\","a":1}',
    '{"a":"\\\\\\"","a":1}',
  ])
    assert.equal(repeatedKey(json), "a", json);
  for (const json of [
    '{"a":{"a":1},"b":["a","a"]}',
    '[{"a":1},{"a":2}]',
    '{"a":"\\"","b":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a":"\\\\\\",\\"a\\":1"}',
    '"a"',
  ])
    assert.equal(repeatedKey(json), undefined, json);
});

test("lists, mappings and keys are counted outside of strings, in text that is no JSON, too", () => {
  for (const [text, parts] of [
    ['{"a":[{"b:[{":"\\"[[["}]}', 5],
    ["[[[", 3],
    ['["[[[', 1],
    ['["\\\\"[', 2],
    ["]]}}", 0],
  ] as const) {
    assert.equal(hasMoreParts(text, parts), false, text);
    if (parts > 0) assert.equal(hasMoreParts(text, parts - 1), true, text);
  }
});
