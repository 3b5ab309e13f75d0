import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/reload.ts";

test("reloads, a stop and a start under load lose no mail", (t) => holdsInShort(prove, t));
