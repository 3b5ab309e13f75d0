import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parsePathCommand, readMailbox } from "../../../src/mail/path.ts";

function path(argument: string): string | undefined {
  const result = parsePathCommand(argument, "FROM");
  return result.kind === "read" ? result.path : undefined;
}

describe("parsePathCommand", () => {
  test("reads path and parameters", () => {
    const result = parsePathCommand("from:<a@b> size=10 SMTPUTF8", "FROM");
    assert.ok(result.kind === "read");
    assert.equal(result.path, "a@b");
    assert.deepEqual(
      [...result.parameters],
      [
        ["SIZE", "10"],
        ["SMTPUTF8", ""],
      ],
    );
  });

  test("quoted local parts may hold brackets and blanks", () => {
    assert.equal(path('FROM:<"a> <b\\">"@c>'), '"a> <b\\">"@c');
    assert.equal(path('FROM:<"a\\\\"@c> SIZE=1'), '"a\\\\"@c');
    assert.equal(path('FROM:<"a>@c'), undefined);
  });

  test("ignores source routes", () => {
    assert.equal(path("FROM:<@x,@[1.2.3.4],@[IPv6:::1]:a@b>"), "a@b");
    assert.equal(path("FROM:<@[IPv6:::1]:a@b>"), "a@b");
    assert.equal(path("FROM:<@x:@y:a@b>"), "@y:a@b");
  });

  test("a route that leads to no mailbox is no path, least of all the null one", () => {
    for (const route of ["@x:", "@x:postmaster"])
      assert.equal(readMailbox(path(`FROM:<${route}>`) ?? "").kind, "malformed", route);
  });

  test("forgives blanks around the colon and between parameters, and takes any keyword", () => {
    const result = parsePathCommand("FROM : <a@b>  8BIT-X=1   Y ", "FROM");
    assert.ok(result.kind === "read");
    assert.equal(result.path, "a@b");
    assert.deepEqual([...result.parameters.keys()], ["8BIT-X", "Y"]);
  });

  test("refuses what is not a path", () => {
    for (const argument of [
      "",
      "FROM",
      "FROM:",
      "FROM:a@b",
      "FROM:<a@b",
      "FROM:<a<b>",
      "FROM:<a@b>x",
      "TO:<a@b>",
    ])
      assert.equal(parsePathCommand(argument, "FROM").kind, "syntax", argument);
  });

  test("refuses malformed and repeated parameters", () => {
    for (const tail of ["=1", "A==1", "A=", "<b>", "A=1 a=2", "-A"])
      assert.equal(parsePathCommand(`FROM:<a@b> ${tail}`, "FROM").kind, "parameters", tail);
  });

  test("a long line of routes is read in no time", () => {
    const start = performance.now();
    path(`FROM:<${"@a,".repeat(1300)}`);
    path(`FROM:<${"@a,".repeat(1300)}x>`);
    // What backtracks takes minutes.
    assert.ok(performance.now() - start < 5000);
  });
});

function kinds(texts: readonly string[]): string[] {
  return texts.map((text) => readMailbox(text).kind);
}

test("readMailbox tells the kinds apart", () => {
  assert.deepEqual(kinds(["", "PostMaster", "a@b.test", "a@[192.0.2.1]", "a@[IPv6:::1]"]), [
    "null",
    "postmaster",
    "address",
    "literal",
    "literal",
  ]);
  const malformed = ["a", "@b", "a@", "a@b@c", "a@[x]", "a b@c", "a,b@c", 'a"b@c', "a@b..c", "<a@b>"];
  malformed.push("postmaster2", "a@[192.0.2.1]x", "a b@[192.0.2.1]", ".@[192.0.2.1]");
  for (const text of malformed) assert.equal(readMailbox(text).kind, "malformed", text);
});

test("a path to an address literal has as many octets as any other", () => {
  const kindOf = (local: string): string => readMailbox(`${local}@[192.0.2.1]`).kind;
  assert.equal(kindOf("a".repeat(242)), "literal");
  assert.equal(kindOf("a".repeat(243)), "malformed");
  assert.equal(kindOf("\u00e9".repeat(121)), "literal");
  assert.equal(kindOf("\u00e9".repeat(122)), "malformed");
});
