import { test } from "node:test";
import { prove } from "../prove/empty-primary.ts";
import { holdsInShort } from "../prove/proof.ts";

test('a primary that says "no such user" to everybody after its return costs no mail', (t) =>
  holdsInShort(prove, t));
