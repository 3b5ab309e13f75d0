import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckSettings } from "../../../../src/ports/checks.ts";
import { systemClock, type Clock } from "../../../../src/runtime/clock.ts";
import { addressOf, arrive } from "../../../support/clients.ts";
import { clientWorld, LISTS, SENDER_DOMAIN } from "../../../support/client-dns.ts";
import { startBench } from "../../../support/smtp-bench.ts";
import { waitFor } from "../../../support/wait.ts";

const CHECKS: CheckSettings = {
  dnsbl: { lists: LISTS.map((zone) => ({ zone, codes: ["127.*.*.*"], weight: 1 })), defer: 1 },
  greylist: { delay: 60_000 },
  reachability: { delay: 60_000, remember: 60_000 },
  clientName: "defer",
  senderDomain: "defer",
  spf: "defer",
};

/** The system's clock, and how many of its timers are still to come. */
function countingClock(): { readonly clock: Clock; readonly open: () => number } {
  const system = systemClock();
  const open = new Set<object>();
  const clock: Clock = {
    ...system,
    now: () => system.now(),
    after: (delay, act) => {
      const key = {};
      open.add(key);
      const timer = system.after(delay, () => {
        open.delete(key);
        act();
      });
      return {
        ...timer,
        cancel: () => {
          open.delete(key);
          timer.cancel();
        },
      };
    },
  };
  return { clock, open: () => open.size };
}

test("clients who leave at any point of the conversation leave no timer and no place behind", async () => {
  await using dns = await clientWorld(5);
  const { clock, open } = countingClock();
  await using bench = await startBench({
    clock,
    checkSettings: CHECKS,
    dnsServer: dns.server,
    settings: { greetDelay: 30 },
    primariesUp: { "our.test": "mail.our.test" },
  });
  const table = bench.connections;
  const before = open();
  const walk = async (n: number): Promise<void> => {
    const address = addressOf(50, n);
    const smtp = await arrive(bench.port, address);
    const commands = [
      `MAIL FROM:<a@${SENDER_DOMAIN}>`,
      "RCPT TO:<postmaster@our.test>",
      "RCPT TO:<alice@our.test>",
      "DATA",
    ];
    for (const command of commands.slice(0, n % 5)) await smtp?.command(command);
    // Some leave while they are being answered.
    if (n % 3 === 0) smtp?.write("RCPT TO:<bob@our.test>\r\n");
    smtp?.close();
  };
  await Promise.all(Array.from({ length: 150 }, (_, n) => walk(n)));
  await waitFor({ what: "nothing is left", deadline: 20_000, every: 20 }, () =>
    Promise.resolve(table.total() === 0 && open() <= before),
  );
  assert.equal(table.networks(), 0);
  assert.deepEqual(bench.errors, []);
});
