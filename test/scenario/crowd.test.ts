import { test } from "node:test";
import { prove } from "../prove/crowd.ts";
import { holdsInShort } from "../prove/proof.ts";

test("a crowd of idle and slow clients does not slow down normal senders", (t) => holdsInShort(prove, t));
