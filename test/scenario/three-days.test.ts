import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/three-days.ts";

test("mail outlasts three days without its primary and arrives once when it returns", (t) =>
  holdsInShort(prove, t));
