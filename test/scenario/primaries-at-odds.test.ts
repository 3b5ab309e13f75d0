import { test } from "node:test";
import { prove } from "../prove/primaries.ts";
import { mustHold } from "../prove/proof.ts";

test("primaries that put off, refuse, break off or speak without end cost no mail", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
