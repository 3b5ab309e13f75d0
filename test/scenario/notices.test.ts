import { test } from "node:test";
import { prove } from "../prove/notices.ts";
import { holdsInShort } from "../prove/proof.ts";

test("senders are notified of undeliverable mail; forged senders, mailing lists and automatic senders are not", (t) =>
  holdsInShort(prove, t));
