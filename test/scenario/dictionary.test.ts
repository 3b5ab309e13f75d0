import { test } from "node:test";
import { prove } from "../prove/dictionary.ts";
import { holdsInShort } from "../prove/proof.ts";

test("a dictionary attack and an empty primary teach nothing false about recipients", (t) =>
  holdsInShort(prove, t));
