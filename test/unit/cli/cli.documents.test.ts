/** Every command that a document, an error or an alert names is one that the tool takes, and the README has them all. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { toolWorld } from "../../support/tool-bench.ts";

const ROOT = join(import.meta.dirname, "../../..");
/** Verbs that need no daemon; `main.ts` runs them. */
const OWN = ["check-config", "serve", "demo", "version"];

function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

/** The words of each command in a text, in backticks or on an indented line of its own. */
function commandsIn(text: string): readonly (readonly string[])[] {
  const quoted = text.matchAll(/`(?:npx )?holdfast ([a-z][^`\\]*)\\?`/g);
  const lines = text.matchAll(/^ +(?:npx )?holdfast ([a-z].*)$/gm);
  return [...quoted, ...lines].map(([, words = ""]) => words.trim().split(/\s+/));
}

test("each command that is named somewhere is one that the tool takes", async () => {
  await using tool = await toolWorld();
  const places = [
    "README.md",
    "docs/**/*.md",
    "config/holdfast.yaml",
    "src/{adapters,config,endpoints}/**/*.ts",
  ];
  let seen = 0;
  for (const file of globSync(places, { cwd: ROOT }))
    for (const words of commandsIn(read(file))) {
      if (OWN.includes(words[0] ?? "")) continue;
      const { code, stderr } = await tool.run([...words, "--help"]);
      assert.equal(code, 0, `${file}: holdfast ${words.join(" ")}\n${stderr}`);
      seen++;
    }
  assert.ok(seen > 60, `${seen} commands`);
});

test("the README and the overview list all verbs, and no others", async () => {
  const [, list = ""] = /npx holdfast <verb>\n([^]*?)\n```/.exec(read("README.md")) ?? [];
  const [, usage = ""] = /const USAGE = `([^]*?)`/.exec(read("src/main.ts")) ?? [];
  const listed = new Set(list.split("\n").flatMap((line) => verbsOf(line.slice(2))));
  const shown = new Set(
    usage.split("\n").flatMap((line) => verbsOf(/^ {2}holdfast (.*)/.exec(line)?.[1] ?? "")),
  );
  const [, table = ""] = /const COMMANDS[^=]*= new Map\(\[([^]*?)\]\);/.exec(read("src/cli/cli.ts")) ?? [];
  const verbs = [...table.matchAll(/\["([^"]+)"/g)].map(([, verb = ""]) => verb);
  assert.deepEqual([...listed].toSorted(), [...verbs, ...OWN].toSorted());
  assert.deepEqual([...shown].toSorted(), [...verbs, ...OWN].toSorted());
});

/** `queue list|show` as `queue list` and `queue show`, `check-config, serve` as both; none of a line that goes on. */
function verbsOf(line: string): readonly string[] {
  const [, first = "", rest = ""] =
    /^([a-z-]+)((?:, [a-z-]+)*| [a-z-]+(?:\|[a-z-]+)+)?(?: |$)/.exec(line) ?? [];
  if (first === "") return [];
  if (rest.startsWith(",")) return [first, ...rest.slice(2).split(", ")];
  return rest === ""
    ? [first]
    : rest
        .trim()
        .split("|")
        .map((verb) => `${first} ${verb}`);
}
