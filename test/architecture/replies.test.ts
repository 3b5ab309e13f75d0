import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { enhancedCodeFault } from "../support/enhanced-codes.ts";

const SRC = join(import.meta.dirname, "../../src");
const ROOMS = ["endpoints/smtp/*.ts", "services/policy/**/*.ts", "services/recipients/*.ts"];
/** What makes a reply of words in the source. */
const MAKERS = ["say", "closing", "reply"] as const;
const REPLY = /\b(say|closing|reply)\(\s*(\d{3}),\s*"([^"]*)",\s*(?:"([^"]*)"|`([^`]*)`)/g;

interface Found {
  readonly maker: string;
  readonly file: string;
  readonly code: number;
  readonly enhanced: string;
  readonly text: string;
}

async function everyReply(): Promise<Found[]> {
  const found: Found[] = [];
  for await (const file of glob(ROOMS, { cwd: SRC })) {
    const source = readFileSync(join(SRC, file), "utf8");
    for (const [, maker = "", code, enhanced = "", plain, template] of source.matchAll(REPLY))
      found.push({ maker, file, code: Number(code), enhanced, text: plain ?? template ?? "" });
  }
  return found;
}

describe("replies", async () => {
  const replies = await everyReply();

  test("of the whole source are found, whatever makes them", () => {
    assert.ok(replies.length >= 80, String(replies.length));
    for (const maker of MAKERS)
      assert.ok(replies.filter((found) => found.maker === maker).length > 10, maker);
  });

  for (const { file, code, enhanced, text } of replies)
    test(`${code} ${enhanced} ${text} (${file})`, () => {
      assert.equal(enhancedCodeFault(code, enhanced), undefined);
      assert.match(text, /^[\x20-\x7e]{2,120}$/);
    });
});
