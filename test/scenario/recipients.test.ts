import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/recipients.ts";

test("while a recipient list is replaced under load, no RCPT gets a wrong reply", (t) =>
  holdsInShort(prove, t));
