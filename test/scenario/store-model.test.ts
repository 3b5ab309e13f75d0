import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/store-model.ts";

test("the store agrees with a simple model of its promises after every operation, failure and crash", (t) =>
  holdsInShort(prove, t));
