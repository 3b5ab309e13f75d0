import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/storm.ts";

test("a storm of all faults at once loses nothing, doubles nothing unnamed, and leaves nothing behind", (t) =>
  holdsInShort(prove, t));
