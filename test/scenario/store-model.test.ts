import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/store-model.ts";

test("the store shows what a plain model of its promises holds, whatever is done to it", (t) =>
  holdsInShort(prove, t));
