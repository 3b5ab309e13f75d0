import { test } from "node:test";
import { prove } from "../prove/content.ts";
import { mustHold } from "../prove/proof.ts";

test("content is stopped at the door, and no scanner loses, doubles or hides a mail", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
