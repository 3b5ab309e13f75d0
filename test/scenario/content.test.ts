import { test } from "node:test";
import { prove } from "../prove/content.ts";
import { holdsInShort } from "../prove/proof.ts";

test("viruses and spam are refused before acceptance, and no scanner failure loses, duplicates or hides a mail", (t) =>
  holdsInShort(prove, t));
