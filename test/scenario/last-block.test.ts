import { test } from "node:test";
import { prove } from "../prove/last-block.ts";
import { holdsInShort } from "../prove/proof.ts";
import { smallDiskMissing } from "../support/small-disk.ts";

test("held mail is delivered when the disk has no free block", { skip: smallDiskMissing() ?? false }, (t) =>
  holdsInShort(prove, t),
);
