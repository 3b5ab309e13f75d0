import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/power-cut.ts";

test("a power cut loses no mail that got a 250", (t) => holdsInShort(prove, t));
