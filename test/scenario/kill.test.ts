import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/kill.ts";

test("kill -9 under load loses nothing, and doubles are named", (t) => holdsInShort(prove, t));
