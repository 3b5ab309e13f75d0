import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/power-cut.ts";

test("power cuts lose nothing that got its 250", (t) => holdsInShort(prove, t));
