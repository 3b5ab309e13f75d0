import { test } from "node:test";
import { prove } from "../prove/disk-full.ts";
import { holdsInShort } from "../prove/proof.ts";
import { smallDiskMissing } from "../support/small-disk.ts";

test("a full disk puts new mail off and loses nothing", { skip: smallDiskMissing() ?? false }, (t) =>
  holdsInShort(prove, t),
);
