import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "../../../src/config/nearest.ts";

test("the nearest word is returned, or none if all differ too much", () => {
  const known = ["hostname", "postmaster", "storage", "store", "smtp", "log"];
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["hostnam", "hostname"],
    ["Hostname", "hostname"],
    ["stroage", "storage"],
    ["stor", "store"],
    ["smpt", "smtp"],
    ["lgo", "log"],
    ["postmasters", "postmaster"],
    ["queue", undefined],
    ["x", undefined],
    ["", undefined],
    ["constructor", undefined],
  ];
  for (const [word, meant] of cases) assert.equal(nearest(word, known), meant, word);
});
