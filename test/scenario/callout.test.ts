import { test } from "node:test";
import { prove } from "../prove/callout.ts";
import { holdsInShort } from "../prove/proof.ts";

test("callouts alone tell known users from unknown addresses before, during and after an outage", (t) =>
  holdsInShort(prove, t));
