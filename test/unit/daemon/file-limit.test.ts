import assert from "node:assert/strict";
import { test } from "node:test";
import { openFiles, tellFileLimit } from "../../../src/daemon/file-limit.ts";
import { loggerTo } from "../../../src/runtime/log.ts";

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max open files            20000                1048576              files
`;

test("how many files may be open", () => {
  assert.equal(
    openFiles(() => LIMITS),
    20_000,
  );
  assert.equal(
    openFiles(() => LIMITS.replace("20000", "unlimited")),
    Number.POSITIVE_INFINITY,
  );
  assert.equal(
    openFiles(() => "Max processes 5"),
    undefined,
  );
  assert.equal(
    openFiles(() => {
      throw new Error("no /proc");
    }),
    undefined,
  );
});

test("too few files for the connections is a warning that says what would be right", () => {
  const lines: string[] = [];
  const log = loggerTo(
    (level, message, facts) => void lines.push(`${level} ${message} ${JSON.stringify(facts)}`),
  );
  tellFileLimit(10_000, log, 20_000);
  tellFileLimit(10_000, log, 1024);
  assert.equal(lines.length, 2);
  assert.equal(lines[0], 'info files.limit {"files":20000,"needed":11000}');
  assert.match(
    lines[1] ?? "",
    /^warn files\.limit\.low .*LimitNOFILE=11000 .*smtp\.limits\.connections of at most 24/,
  );
});
