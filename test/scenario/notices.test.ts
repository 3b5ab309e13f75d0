import { test } from "node:test";
import { prove } from "../prove/notices.ts";
import { mustHold } from "../prove/proof.ts";

test("senders are told what became of their mail, and forged ones, lists and machines are not", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
