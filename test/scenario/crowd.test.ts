import { test } from "node:test";
import { prove } from "../prove/crowd.ts";
import { holdsInShort } from "../prove/proof.ts";

test("a crowd of idle and slow clients keeps nobody from sending", (t) => holdsInShort(prove, t));
