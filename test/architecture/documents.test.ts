/** The documents name files that exist, and their links lead somewhere. */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "../..");
const DOCUMENTS = globSync(["*.md", "docs/**/*.md", "bench/*.md"], { cwd: ROOT });

/** Paths from the root, or from `src` as docs/flow.md writes them. */
const NAMED =
  /(?<![\w./-])(?:src|test|docs|config|bench|migrations|scripts|services|adapters|endpoints|threads|daemon|ports|runtime)\/[\w./-]*\w/g;

function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

function exists(path: string): boolean {
  // A pattern such as NNNN stands for names to come.
  return path.includes("NNNN") || [path, `src/${path}`].some((each) => existsSync(join(ROOT, each)));
}

/** As GitHub derives them from the headings. */
function anchorsOf(file: string): readonly string[] {
  const headings = [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, text = ""]) => text);
  return headings.map((text) =>
    text
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

for (const document of DOCUMENTS)
  test(`${document} names files, and links to places, that exist`, () => {
    const text = read(document);
    for (const [path] of text.matchAll(NAMED)) assert.ok(exists(path), path);
    for (const [, link = ""] of text.matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? document : relative(ROOT, join(ROOT, dirname(document), path));
      assert.ok(existsSync(join(ROOT, target)), link);
      if (anchor !== undefined) assert.ok(anchorsOf(target).includes(anchor), link);
    }
  });
