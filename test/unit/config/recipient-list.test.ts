import assert from "node:assert/strict";
import { test } from "node:test";
import { comparableLocal } from "../../../src/mail/address.ts";
import { readEntries, readLines } from "../../../src/config/recipient-list.ts";

function of(entry: string): string | undefined {
  const { recipients, faults } = readEntries([entry], "example.com");
  assert.equal(recipients.length + faults.length, 1, entry);
  return recipients[0];
}

test("entries are normalised as the directory compares them", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["Alice", "alice"],
    [" alice ", "alice"],
    ["Alice@Example.COM", "alice"],
    ["alice@example.com.", "alice"],
    ["list-*", "list-*"],
    ["List-*@example.com", "list-*"],
    ["list.*", "list.*"],
    ["alice+news", "alice+news"],
    ["jürgen", "jürgen"],
    ["ju\u0308rgen", "jürgen"],
    ['"a b"', "a b"],
    ['"a@b"@example.com', "a@b"],
    ['"a@b"', "a@b"],
    ['"a*b"', "a*b"],
    ["o'neil", "o'neil"],
  ];
  for (const [entry, recipient] of cases) assert.equal(of(entry), recipient);
  assert.equal(of("ΟΔΟΣ"), comparableLocal("ΟΔΟΣ"));
});

test("an invalid entry is refused", () => {
  for (const entry of [
    "",
    "*",
    "@example.com",
    "*@example.com",
    "a b",
    "a..b",
    ".a",
    "a*b",
    "*a",
    "**",
    "a**",
    '"a*"',
    "alice@other.example",
    "alice@sub.example.com",
    "alice@",
    "<alice@example.com>",
    "x".repeat(255),
    "a\u0000b",
  ])
    assert.equal(of(entry), undefined, JSON.stringify(entry));
});

test("comments, blanks, CRLF line ends and duplicates are removed", () => {
  const text = "# staff\r\nalice # boss\r\n\r\n  bob\r\nALICE@example.com\r\na#b\r\n\t# end";
  assert.deepEqual(readLines(text, "example.com"), { recipients: ["alice", "bob", "a#b"], faults: [] });
  assert.deepEqual(readLines("", "example.com"), { recipients: [], faults: [] });
});

test("a file in which every line is wrong yields 21 problems", () => {
  const { faults } = readLines("a b\n".repeat(500), "example.com");
  assert.equal(faults.length, 21);
  assert.equal(faults[0]?.index, 0);
  assert.equal(faults[20]?.index, 20);
  assert.equal(faults[20]?.wrong, "from here on, 480 more entries are wrong");
});

test("more than a million recipients are refused", () => {
  const list = Array.from({ length: 1_000_001 }, (_, index) => `u${index}`);
  const [fault] = readEntries(list, "example.com").faults;
  assert.equal(fault?.wrong, "the list has 1000001 recipients");
});
