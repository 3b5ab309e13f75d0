import { test } from "node:test";
import { prove } from "../prove/front-door.ts";
import { holdsInShort } from "../prove/proof.ts";

test(
  "new clients are put off, known ones let in, and crowds leave nothing",
  { skip: process.platform !== "linux" && "needs /proc" },
  (t) => holdsInShort(prove, t),
);
