import { test } from "node:test";
import { prove } from "../prove/content.ts";
import { holdsInShort } from "../prove/proof.ts";

test("content is stopped at the door, and no scanner loses, doubles or hides a mail", (t) =>
  holdsInShort(prove, t));
