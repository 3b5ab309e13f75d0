import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/kill.ts";

test("kill -9 under load loses no mail, and every possible duplicate is marked", (t) =>
  holdsInShort(prove, t));
