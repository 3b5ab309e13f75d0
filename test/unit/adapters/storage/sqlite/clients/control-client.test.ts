import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { connectControl } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import type { EntrySlice } from "../../../../../../src/adapters/storage/sqlite/wire/wire.ts";
import { serveChannel } from "../../../../../../src/runtime/channel.ts";
import { SETTINGS } from "../../../../../contract/mails.ts";

/** Far more recipients than are in transit at once. */
const MANY = Array.from({ length: 20_500 }, (_, i) => `user${String(i).padStart(5, "0")}`);

/** A storage thread that answers each slice a turn later, and records what it receives. */
function openCase() {
  const slices: (readonly EntrySlice[])[] = [];
  const flips: number[] = [];
  let [open, most] = [0, 0];
  const take = async (slice: readonly EntrySlice[]): Promise<void> => {
    open += 1;
    most = Math.max(most, open);
    await turn();
    slices.push(slice);
    open -= 1;
  };
  /** Records how many entries have arrived when the change is made visible. */
  const flip = (): number => flips.push(entries()) && 0;
  const entries = (): number => slices.flat().reduce((sum, { patterns }) => sum + patterns.length, 0);
  const { port1, port2 } = new MessageChannel();
  const server = serveChannel(port1, {
    stageOpen: () => undefined,
    stageDomains: (domains: readonly { name: string }[]) => domains.map(({ name }, list) => ({ name, list })),
    stageEntries: take,
    stageFlip: flip,
    sideListOpen: () => 7,
    sideListAdd: (slice: EntrySlice) => take([slice]),
    sideListRemove: (slice: EntrySlice) => take([slice]),
    sideListFlip: flip,
    addDomain: flip,
  });
  const sizes = () => slices.map((slice) => slice.reduce((sum, { patterns }) => sum + patterns.length, 0));
  return {
    control: connectControl(port2),
    flips,
    largest: () => Math.max(...sizes()),
    most: () => most,
    [Symbol.dispose]: () => server.close(),
  };
}

type Control = ReturnType<typeof connectControl>;

const CHANGES: readonly (readonly [what: string, change: (control: Control) => Promise<unknown>])[] = [
  ["declared list", (control) => control.declare([{ name: "a.test", settings: SETTINGS, recipients: MANY }])],
  [
    "list of a new domain",
    (control) => control.addDomain({ name: "a.test", settings: SETTINGS, recipients: MANY }),
  ],
  ...(["add", "remove", "replace"] as const).map((verb) => {
    const change = (control: Control): Promise<unknown> =>
      control.changeRecipients({ domain: "a.test", verb, recipients: MANY });
    return [`large change (${verb})`, change] as const;
  }),
];

for (const [what, change] of CHANGES)
  test(`a ${what} is sent in bounded slices, at most 8 at once, and becomes visible only when complete`, async () => {
    using it = openCase();
    await change(it.control);
    assert.deepEqual(it.flips, [MANY.length]);
    assert.deepEqual([it.largest(), it.most()], [1000, 8]);
  });
