import assert from "node:assert/strict";
import { test } from "node:test";
import {
  facts,
  fit,
  plain,
  safeJson,
  table,
  timeWithZone,
  widthOf,
  wrap,
} from "../../../src/cli/terminal.ts";

const HOSTILE = "a\u001b[31mb\r\nc\u202ed\u2066e\u200bf\u009bg\u0000h\ufeffi\u061cj";

test("nothing that steers a terminal is printed", () => {
  assert.equal(plain(HOSTILE), "a�[31mb��c�d�e�f�g�h�i�j");
  assert.equal(plain("Zoë Müller 日本語 😀 e\u0301"), "Zoë Müller 日本語 😀 e\u0301");
});

test("JSON is exact and yet safe", () => {
  const value = { [HOSTILE]: HOSTILE, list: ["日本語", "\u{e0041}\u{1f600}"], n: 1.5, none: null };
  const text = [...safeJson(value)].join("");
  assert.deepEqual(JSON.parse(text), value);
  assert.equal(plain(text.replaceAll("\n", "")), text.replaceAll("\n", ""));
});

test("JSON comes in pieces, none of which grows with a list, and looks as if it were made at once", () => {
  const entry = { id: "a\nb", more: [1, { deep: [] }], none: null, left: undefined };
  const values = [
    { items: Array.from({ length: 1000 }, () => entry), next: "x", total: 3, left: undefined },
    { items: [], one: [1], ...entry },
    {},
    { left: undefined },
  ];
  for (const value of values) {
    const pieces = [...safeJson(value)];
    assert.equal(pieces.join(""), JSON.stringify(value, null, 2));
    assert.ok(pieces.every((piece) => piece.length < 200));
  }
});

test("a table may have more rows than a call may have arguments", () => {
  const rows = Array.from({ length: 200_000 }, (_, n) => [String(n)]);
  const text = table([{ title: "N", right: true }], rows, Infinity);
  assert.ok(text.startsWith("     N\n     0\n"));
  assert.ok(text.endsWith("\n199999\n"));
});

test("width counts wide and combining characters", () => {
  assert.deepEqual(["abc", "日本", "e\u0301", "😀"].map(widthOf), [3, 4, 1, 2]);
  assert.equal(fit("日本語", 5), "日本…");
  assert.equal(fit("abcdef", 6), "abcdef");
  assert.equal(fit("abcdef", 5), "abcd…");
});

test("a table is never wider than the terminal and cuts only what may be cut", () => {
  const columns = [{ title: "ID" }, { title: "TEXT", least: 5 }, { title: "N", right: true }];
  const rows = [
    ["one", "x".repeat(200), "1"],
    ["two", "日".repeat(100), "22"],
    ["three", "short", "333"],
  ];
  const lines = table(columns, rows, 40).trimEnd().split("\n");
  assert.ok(lines.every((line) => widthOf(line) <= 40));
  assert.match(lines[1] ?? "", /^one {4}x+… {4}1$/);
  assert.equal(lines[3]?.endsWith("333"), true);
});

test("facts go on below their value, aligned, at any length", () => {
  const text = facts(
    [
      ["Name", "word ".repeat(30).trim()],
      ["Longer name", "y".repeat(200)],
    ],
    40,
  );
  assert.ok(
    text
      .trimEnd()
      .split("\n")
      .every((line) => widthOf(line) <= 40),
  );
  assert.equal(text.replace(/[^y]/g, "").length, 200);
  assert.equal(wrap("", 10, 2), "");
});

test("a word is broken only where it must be, and never within a character", () => {
  assert.equal(wrap("x".repeat(10), 10, 0), "x".repeat(10));
  assert.equal(wrap("x".repeat(11), 10, 1), `${"x".repeat(10)}\n x`);
  assert.equal(wrap(`${"x".repeat(9)}😀`, 10, 0), `${"x".repeat(9)}\n😀`);
});

test("times name their zone", () => {
  assert.match(timeWithZone(Date.UTC(2026, 2, 29)), /^2026-03-2\d \d\d:\d\d:\d\d [+-]\d\d:\d\d$/);
  assert.match(timeWithZone(Date.UTC(9999, 11, 30)), /^9999-12-\d\d /);
});

test("a time that no date can tell is told all the same", () => {
  for (const at of [Date.UTC(10_000, 0, 3), 8.64e15, 8.64e15 + 1, Number.MAX_SAFE_INTEGER, NaN])
    assert.equal(timeWithZone(at), "after 9999");
});
