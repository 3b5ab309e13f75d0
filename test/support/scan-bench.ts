/** What tests of the scanners share: a mail, its body, and both scanners on a clock. */
import assert from "node:assert/strict";
import { clamd, rspamd } from "../../src/adapters/scanners/scanners.ts";
import type { InspectedMail, WholeBody } from "../../src/ports/inspection.ts";
import type { JournalEvent } from "../../src/ports/journal.ts";
import type { Scan } from "../../src/ports/scanner.ts";
import { systemClock, type Clock } from "../../src/runtime/clock.ts";

export const MAIL: InspectedMail = {
  id: "Q1",
  client: { ip: "192.0.2.1", helo: "c.example", name: "client.example" },
  sender: "grün@example.org",
  announced: 0,
  recipients: ["alice@our.test", "bob@our.test"],
  own: undefined,
  exempt: false,
};

/** A body in pieces of 64 KiB, as the store gives it. */
export function body(content: string | Buffer): WholeBody {
  const whole = Buffer.from(content);
  return {
    size: whole.length,
    facts: { received: 0, ownReceived: 0, tooLong: false },
    read: async function* () {
      for (let at = 0; at < whole.length; at += 65_536) yield whole.subarray(at, at + 65_536);
    },
  };
}

export function bench(clock: Clock = systemClock()) {
  const events: JournalEvent[] = [];
  const parts = { clock, journal: { record: (event: JournalEvent) => void events.push(event) } };
  return { events, virus: clamd(parts), spam: rspamd(parts) };
}

/** Settings with these servers. */
export const servers = (...list: string[]) => ({ servers: list, timeout: 5000, connections: 4 });
/** Expects that no server answers; resolves to the reason. */
export const away = async (scan: Scan<unknown>, of: WholeBody): Promise<string> => {
  const answer = (await scan.finish(of)) as { kind: string; why?: string };
  assert.equal(answer.kind, "away");
  return answer.why ?? "";
};
