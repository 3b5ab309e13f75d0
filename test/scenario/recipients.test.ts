import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/recipients.ts";

test("a list is replaced under load with no wrong answer at any moment", (t) => holdsInShort(prove, t));
