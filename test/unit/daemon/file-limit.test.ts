import assert from "node:assert/strict";
import { test } from "node:test";
import { tellFileLimit } from "../../../src/daemon/file-limit.ts";
import { loggerTo } from "../../../src/runtime/log.ts";

test("a file limit too low for the connections is logged with both numbers and the limit that would be enough", () => {
  const lines: string[] = [];
  const log = loggerTo(
    (level, message, facts) => void lines.push(`${level} ${message} ${JSON.stringify(facts)}`),
  );
  tellFileLimit(10_000, log, 20_000);
  tellFileLimit(10_000, log, 1024);
  tellFileLimit(462, log, 1024);
  assert.equal(lines.length, 3);
  assert.equal(lines[2], 'info files.limit {"files":1024,"needed":1462}');
  assert.equal(lines[0], 'info files.limit {"files":20000,"needed":11000}');
  assert.match(
    lines[1] ?? "",
    /^warn files\.limit\.low {"files":1024,"needed":11000,"wanted":10000,"connections":462,.*LimitNOFILE=11000 .*ulimit -n 11000 .*smtp\.limits\.connections of at most 462; until then clients beyond 462 get 421/,
  );
});
