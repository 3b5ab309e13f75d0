import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/storm.ts";

test("all faults at once lose no mail, mark every possible duplicate and leave nothing behind in the store", (t) =>
  holdsInShort(prove, t));
