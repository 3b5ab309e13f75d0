import { test } from "node:test";
import { prove } from "../prove/primaries.ts";
import { holdsInShort } from "../prove/proof.ts";

test("primaries that put off, refuse, break off or speak without end cost no mail", (t) =>
  holdsInShort(prove, t));
