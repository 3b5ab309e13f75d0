import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readSecret } from "../../../src/runtime/secrets.ts";
import { tempFolder } from "../../support/temp-folder.ts";

test("a secret is the first line of a file or a variable; a missing one is named", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "secret");
  const ofFile = async (text: string): Promise<string> => {
    await writeFile(file, text);
    return readSecret({ file, env: undefined }, {});
  };
  assert.equal(await ofFile(" p ä \nnot this"), " p ä ");
  assert.equal(await ofFile("\ufeffp\r\n"), "p");
  for (const empty of ["", "\n", "\ufeff\r\np", " \np"])
    await assert.rejects(ofFile(empty), { name: "NoSecret", message: `${file} has no first line` });
  const gone = readSecret({ file: `${file}x`, env: undefined }, {});
  await assert.rejects(gone, { name: "NoSecret", message: `${file}x cannot be read (ENOENT)` });

  const place = { file: undefined, env: "SECRET" };
  assert.equal(await readSecret(place, { SECRET: "p\nq" }), "p\nq");
  for (const environment of [{}, { SECRET: "" }])
    await assert.rejects(readSecret(place, environment), { message: "SECRET is not set in the environment" });
});
