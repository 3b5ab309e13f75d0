import { test } from "node:test";
import { prove } from "../prove/primaries.ts";
import { holdsInShort } from "../prove/proof.ts";

test("no behaviour of a primary loses mail: deferrals, refusals, lost connections, endless replies", (t) =>
  holdsInShort(prove, t));
