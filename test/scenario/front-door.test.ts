import { test } from "node:test";
import { prove } from "../prove/front-door.ts";
import { holdsInShort } from "../prove/proof.ts";

test(
  "unknown clients are deferred, known ones are accepted, and crowds leave nothing behind",
  { skip: process.platform !== "linux" && "needs /proc" },
  (t) => holdsInShort(prove, t),
);
