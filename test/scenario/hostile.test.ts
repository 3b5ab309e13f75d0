import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/hostile.ts";

test("hostile clients get the replies that they should, and nothing is smuggled", (t) =>
  holdsInShort(prove, t));
