import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/reflector.ts";

test("every mail reaches the primary unchanged; a reflector delivers it within a second", (t) =>
  holdsInShort(prove, t));
