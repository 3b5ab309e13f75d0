import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { playScript, readScript } from "./player.ts";

const folder = import.meta.dirname;
const files = (await readdir(folder)).filter((name) => name.endsWith(".smtp")).sort();
const scripts = await Promise.all(
  files.map(async (name) => ({ name, script: await readScript(join(folder, name)) })),
);

describe("dialogues", () => {
  for (const { name, script } of scripts) test(`${name}: ${script.title}`, () => playScript(script));
});
