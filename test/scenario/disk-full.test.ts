import { test } from "node:test";
import { prove } from "../prove/disk-full.ts";
import { prove as proveLastBlock } from "../prove/last-block.ts";
import { mustHold, type Proof } from "../prove/proof.ts";
import { smallDiskMissing } from "../support/small-disk.ts";

const PROOFS: readonly (readonly [string, Proof])[] = [
  ["a full disk puts new mail off and loses nothing", prove],
  ["mail is delivered from a disk without one free block", proveLastBlock],
];

for (const [name, proof] of PROOFS)
  test(name, { skip: smallDiskMissing() ?? false }, async (t) => {
    mustHold(await proof({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
  });
