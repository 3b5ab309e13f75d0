import { test } from "node:test";
import { prove } from "../prove/memory.ts";
import { holdsInShort } from "../prove/proof.ts";

test("the memory of the daemon stays bounded", { skip: process.platform !== "linux" && "needs /proc" }, (t) =>
  holdsInShort(prove, t),
);
