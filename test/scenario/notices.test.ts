import { test } from "node:test";
import { prove } from "../prove/notices.ts";
import { holdsInShort } from "../prove/proof.ts";

test("senders are told what became of their mail, and forged ones, lists and machines are not", (t) =>
  holdsInShort(prove, t));
