import { test } from "node:test";
import { prove } from "../prove/disk-full.ts";
import { holdsInShort } from "../prove/proof.ts";
import { smallDiskMissing } from "../support/small-disk.ts";

test(
  "with a full disk, new mail gets a 4xx and no mail is lost",
  { skip: smallDiskMissing() ?? false },
  (t) => holdsInShort(prove, t),
);
