import { test } from "node:test";
import { prove } from "../prove/dictionary.ts";
import { holdsInShort } from "../prove/proof.ts";

test("a dictionary run and an empty primary teach nothing wrong", (t) => holdsInShort(prove, t));
