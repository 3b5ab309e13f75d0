import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join, parse, relative } from "node:path";
import { test } from "node:test";
import { toolWorld } from "../../support/tool-bench.ts";

test("recipients come as words, from a file, or from stdin", async () => {
  await using tool = await toolWorld();
  assert.equal(
    (await tool.run(["recipients", "add", "example.com", "alice", "list-*"])).stdout,
    "The API list of example.com has 2 entries; 2 added.\n",
  );
  const file = join(tool.folder, "users.txt");
  writeFileSync(file, "carol\n# nobody\n");
  await tool.run(["recipients", "replace", "example.com", "--file", file]);
  await tool.run(["recipients", "replace", "example.com"], "dave\neve\n");
  await tool.run(["recipients", "remove", "example.com", "--file", "-"], "dave\n");
  assert.deepEqual(
    tool.world.changes.map(({ verb, recipients }) => [verb, ...recipients]),
    [
      ["add", "alice", "list-*"],
      ["replace", "carol"],
      ["replace", "dave", "eve"],
      ["remove", "dave"],
    ],
  );
  const listed = await tool.run(["recipients", "list", "example.com", "--limit", "1"]);
  assert.match(listed.stdout, /^alice +file\nThere are more;/m);
  assert.match((await tool.run(["recipients", "list", "example.com", "--all"])).stdout, /^list-\* +api$/m);
  const checked = (await tool.run(["recipients", "check", "alice@example.com"])).stdout;
  assert.match(checked, /^Answer: +accept\nWhy: +in the configured list\nKnown from: +file$/m);
  assert.match(checked, /^Source: +list \(file\): has `alice` \(1 h ago\)$/m);
  assert.equal((await tool.run(["recipients", "check", "nobody"])).code, 2);
});

test("a change says how many recipients it added or removed", async () => {
  await using tool = await toolWorld();
  const run = async (verb: string, ...words: string[]) => {
    const { code, stdout, stderr } = await tool.run(["recipients", verb, "example.com", ...words]);
    return { code, said: stdout + stderr };
  };
  await run("replace", "alice", "bob", "carol");
  assert.deepEqual(await run("add", "alice", "dora"), {
    code: 0,
    said: "The API list of example.com has 4 entries; 1 added.\n",
  });
  assert.deepEqual(await run("remove", "alice", "nobody"), {
    code: 0,
    said: "The API list of example.com has 3 entries; 1 removed.\n",
  });
  const none = await run("remove", "nobody");
  assert.equal(none.code, 1);
  assert.match(none.said, /has 3 entries; 0 removed\.\nnothing was removed: the list has none of them/);
  assert.deepEqual(await run("replace", "eve"), {
    code: 0,
    said: "The API list of example.com has 1 entry; before, it had 3.\n",
  });
  const acts = tool.world.events.flatMap((event) => (event.kind === "operator.acted" ? [event.count] : []));
  assert.deepEqual(acts, [3, 1, 1, 0, 1]);
});

test("a list that was emptied is not said to be missing", async () => {
  await using tool = await toolWorld();
  tool.world.hits.length = 0;
  assert.equal(
    (await tool.run(["recipients", "list", "example.com"])).stdout,
    "No recipients are listed for example.com.\n",
  );
});

test("a list that is not UTF-8 is refused, wherever it comes from", async () => {
  await using tool = await toolWorld();
  const file = join(tool.folder, "latin1.txt");
  const latin1 = Buffer.from("alice\nj\xf6rg\n", "latin1");
  writeFileSync(file, latin1);
  const cases: readonly (readonly [words: readonly string[], name: string])[] = [
    [["recipients", "add", "example.com", "--file", file], file],
    [["recipients", "replace", "example.com", "--file", file], file],
    [["recipients", "replace", "example.com"], "stdin"],
    [["recipients", "add", "example.com", "--file", "-"], "stdin"],
    [["domain", "add", "new.example", "--mx", "--recipients", file], file],
  ];
  for (const [words, name] of cases) {
    const { code, stderr } = await tool.run(words, latin1);
    assert.equal(code, 2, words.join(" "));
    assert.ok(stderr.includes(`: ${name} is not UTF-8 text; save it as UTF-8\n`), stderr);
  }
  assert.deepEqual(tool.world.changes, []);
  assert.equal(tool.world.domains.length, 2);
});

test("the name of a file does not take the place of the list in it", async () => {
  await using tool = await toolWorld();
  const file = join(tool.folder, "users.txt");
  writeFileSync(file, "carol\n");
  const { name } = parse(file);
  for (const word of [file, "/no/such.txt", relative(process.cwd(), file), "package.json", "-"]) {
    const { code, stderr } = await tool.run(["recipients", "replace", "example.com", word]);
    assert.equal(code, 2, word);
    assert.ok(stderr.includes(`${word} looks like a file: say --file ${word}, or ${word}@example.com for`));
  }
  assert.deepEqual(tool.world.changes, []);
  for (const words of [["a/b@example.com"], ["package.json@example.com"], ["package.json", "bob"], [name]])
    assert.equal(
      (await tool.run(["recipients", "replace", "example.com", ...words])).code,
      0,
      words.join(" "),
    );
  assert.equal((await tool.run(["recipients", "add", "example.com", "a/b"])).code, 0);
});

test("an emptied list cannot come about by an accident of stdin", async () => {
  await using tool = await toolWorld();
  for (const stdin of ["", "# all users\n\n"]) {
    const { code, stderr } = await tool.run(["recipients", "replace", "example.com"], stdin);
    assert.equal(code, 2);
    assert.match(stderr, /--empty/, stdin);
  }
  assert.equal((await tool.run(["recipients", "replace", "example.com", "--empty"])).code, 0);
  assert.deepEqual(tool.world.changes, [{ domain: "example.com", verb: "replace", recipients: [] }]);
});
