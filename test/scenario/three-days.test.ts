import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/three-days.ts";

test("mail survives three days without its primary and is delivered once when it returns", (t) =>
  holdsInShort(prove, t));
