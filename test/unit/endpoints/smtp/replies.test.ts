import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";

const SRC = join(import.meta.dirname, "../../../../src");
const ROOMS = ["endpoints/smtp/*.ts", "services/policy/**/*.ts", "services/recipients/*.ts"];
const REPLY = /\b(?:say|part|reply)\(\s*(\d{3}),\s*"([^"]*)",\s*(?:"([^"]*)"|`([^`]*)`)/g;

/** The basic codes that go with an enhanced code: the registry of RFC 5248, and RFC 5321 §4.2.2. */
const PAIRS: Readonly<Record<string, readonly number[]>> = {
  "X.0.0": [214, 220, 221, 250],
  "X.1.0": [250],
  "X.1.1": [450, 550],
  "X.1.3": [501],
  "X.1.5": [250],
  "X.1.7": [501, 450],
  "X.2.2": [452, 552],
  "X.3.0": [421, 451],
  "X.3.1": [452],
  "X.3.2": [421, 451, 453, 458],
  "X.3.4": [552, 554],
  "X.4.2": [421],
  "X.4.6": [554],
  "X.5.0": [252],
  "X.5.1": [502, 503],
  "X.5.2": [500, 501, 502, 550],
  "X.5.3": [452, 550],
  "X.5.4": [501, 502, 503, 504, 550, 555],
  "X.6.0": [550],
  "X.6.7": [550, 553],
  "X.7.0": [220, 235, 421, 450, 454, 500, 501, 503, 504, 530, 535, 550],
  "X.7.1": [421, 450, 451, 454, 459, 502, 503, 533, 550, 551],
};

interface Found {
  readonly file: string;
  readonly code: number;
  readonly enhanced: string;
  readonly text: string;
}

async function everyReply(): Promise<Found[]> {
  const found: Found[] = [];
  for await (const file of glob(ROOMS, { cwd: SRC })) {
    const source = readFileSync(join(SRC, file), "utf8");
    for (const [, code, enhanced = "", plain, template] of source.matchAll(REPLY))
      found.push({ file, code: Number(code), enhanced, text: plain ?? template ?? "" });
  }
  return found;
}

describe("replies", async () => {
  const replies = await everyReply();

  test("all are seen", () => {
    assert.ok(replies.length >= 50, String(replies.length));
  });

  for (const { file, code, enhanced, text } of replies)
    test(`${code} ${enhanced} ${text} (${file})`, () => {
      assert.match(enhanced, /^[245]\.\d{1,3}\.\d{1,3}$/);
      assert.equal(enhanced[0], String(code)[0]);
      assert.ok(PAIRS[`X${enhanced.slice(1)}`]?.includes(code), "not a pair that goes together");
      assert.match(text, /^[\x20-\x7e]{2,120}$/);
    });
});
