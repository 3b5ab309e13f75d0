import { test } from "node:test";
import { holdsInShort } from "../prove/proof.ts";
import { prove } from "../prove/queue-and-drain.ts";

test("mail is held while the primary is down and is delivered once when it returns", (t) =>
  holdsInShort(prove, t));
