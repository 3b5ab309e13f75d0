import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/hostile.ts";

test("hostile clients get the intended replies, and SMTP smuggling fails", (t) => holdsInShort(prove, t));
