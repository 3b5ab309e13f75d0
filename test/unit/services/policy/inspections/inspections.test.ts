import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BodyVerdict } from "../../../../../src/mail/verdict.ts";
import type { CheckSettings, ClamavSettings, RspamdSettings } from "../../../../../src/ports/checks.ts";
import type { Inspected, InspectedMail, WholeBody } from "../../../../../src/ports/inspection.ts";
import type { JournalEvent } from "../../../../../src/ports/journal.ts";
import type { Away, Scanner, SpamResult, VirusResult } from "../../../../../src/ports/scanner.ts";
import { allInspections } from "../../../../../src/services/policy/policy.ts";
import { INSPECTED_MAIL } from "../../../../support/fake-inspection.ts";
import { ManualClock } from "../../../../support/manual-clock.ts";

const COMMON = { servers: ["/s"], timeout: 1000, connections: 1, unavailable: "defer" } as const;
const CLAMAV: ClamavSettings = { ...COMMON, maxSize: 1000, found: "reject", oversize: "quarantine" };
const RSPAMD: RspamdSettings = {
  ...COMMON,
  maxSize: 1000,
  reject: "reject",
  softReject: "defer",
  greylist: "accept",
  addHeader: "tag",
  headers: true,
};
const AWAY: Away = { kind: "away", why: "refused" };
const WORM: VirusResult = { kind: "found", name: "Worm.X" };

/** It needs 30 ms, in which the wall clock is set back. */
function says<R>(result: R | Away, clock: ManualClock): Scanner<R> {
  const finish = async (): Promise<R | Away> => {
    clock.set(-1000);
    clock.advance(30);
    return result;
  };
  return { open: () => ({ feed: () => undefined, finish, abort: () => {} }) };
}

function body(size = 10): WholeBody {
  return {
    size,
    facts: { received: 0, ownReceived: 0, tooLong: false },
    read: async function* () {},
  };
}

interface Said {
  readonly virus?: VirusResult | Away;
  readonly spam?: SpamResult | Away;
  readonly settings?: Partial<CheckSettings>;
  readonly mail?: Partial<InspectedMail>;
  readonly size?: number;
}

async function judge({ virus, spam, settings, mail, size }: Said) {
  const events: JournalEvent[] = [];
  const clock = new ManualClock(0);
  const inspections = allInspections({
    authenticator: { verifyBody: () => assert.fail("no signature is asked for") },
    clamav: says(virus ?? { kind: "clean" }, clock),
    rspamd: says(spam ?? judged("no action"), clock),
    settings: () => ({ dnsbl: "off", ...settings }),
    journal: { record: (event) => void events.push(event) },
    clock,
  });
  const inspected: Inspected[] = [];
  for (const inspection of inspections) {
    const inspector = inspection.begin({ ...INSPECTED_MAIL, ...mail });
    if (inspector !== undefined) inspected.push(await inspector.finish(body(size)));
  }
  return { inspected, events, virus: inspections.find(({ name }) => name === "clamav") };
}

function judged(word: SpamResult["word"], more: Partial<SpamResult> = {}): SpamResult {
  return { kind: "judged", word, score: 7.123, required: 15, fields: ["X-Spam: Yes"], ...more };
}

/** Kind, code and words of a verdict in short. */
function short(verdict: BodyVerdict | undefined): string {
  switch (verdict?.kind) {
    case "reject":
    case "defer":
      return `${verdict.reply.code} ${verdict.reply.enhanced} ${verdict.reply.text}`;
    case "quarantine":
      return `quarantine ${verdict.why}`;
    case "tag":
      return verdict.field;
    default:
      return verdict?.kind ?? "nothing";
  }
}

const only = ({ inspected }: Awaited<ReturnType<typeof judge>>): string => {
  assert.equal(inspected.length, 1);
  return short(inspected[0]?.verdict);
};

describe("the virus inspection", () => {
  test("is not there when it is off, and for a domain that has it off", async () => {
    assert.deepEqual((await judge({ virus: WORM })).inspected, []);
    const own = { clamav: "off" as const };
    assert.deepEqual(
      (await judge({ virus: WORM, settings: { clamav: CLAMAV }, mail: { own } })).inspected,
      [],
    );
  });

  test("refuses a virus by the name of its signature, also for postmaster", async () => {
    const settings = { clamav: CLAMAV, contact: "ask admin" };
    const said = await judge({ virus: WORM, settings, mail: { exempt: true } });
    assert.equal(only(said), "550 5.7.1 Virus found: Worm.X; ask admin");
    assert.deepEqual(said.events, [
      { kind: "scanner.judged", id: "1", scanner: "clamav", result: "found", what: "virus Worm.X", took: 30 },
    ]);
  });

  test("does with finds, large bodies and no answer what the domain wants", async () => {
    const clamav = (changes: Partial<ClamavSettings>) => ({ clamav: { ...CLAMAV, ...changes } });
    const held = await judge({ virus: WORM, settings: clamav({ found: "quarantine" }) });
    assert.equal(only(held), "quarantine virus Worm.X");
    const large = await judge({ size: 1001, settings: clamav({}) });
    assert.equal(only(large), "quarantine not scanned, larger than the virus scanner accepts");
    const larger = await judge({ virus: { kind: "oversize" }, settings: clamav({ oversize: "tag" }) });
    assert.match(only(larger), /^X-Holdfast-Virus: not scanned, larger/);
    for (const [unavailable, wanted] of [
      ["defer", /^451 4\.7\.1 No virus scanner answers/],
      ["tag", /^X-Holdfast-Virus: not scanned/],
      ["quarantine", /^quarantine not scanned/],
    ] as const) {
      const own = clamav({ unavailable });
      const said = await judge({ virus: AWAY, settings: { clamav: CLAMAV }, mail: { own } });
      assert.match(only(said), wanted);
      const lost = said.virus?.lost?.({ ...INSPECTED_MAIL, own }, "late");
      assert.match(short(lost?.verdict), wanted);
    }
  });

  test("has a profile by what the domain set, empty where it is off", async () => {
    const { virus } = await judge({ settings: { clamav: CLAMAV } });
    const profile = (own: InspectedMail["own"]) => virus?.profile({ own, exempt: false });
    assert.equal(profile(undefined), profile({ helo: "off" }));
    assert.notEqual(profile(undefined), profile({ clamav: { ...CLAMAV, unavailable: "tag" } }));
    assert.equal(profile({ clamav: "off" }), "");
  });
});

describe("the spam inspection", () => {
  const settings = { rspamd: RSPAMD };

  test("makes of each of rspamd's words what is configured", async () => {
    const words: readonly [SpamResult["word"], RegExp][] = [
      ["no action", /^accept$/],
      ["greylist", /^accept$/],
      ["add header", /^X-Holdfast-Spam: add header, spam score 7\.12 of 15$/],
      ["rewrite subject", /^X-Holdfast-Spam: rewrite subject/],
      ["soft reject", /^451 4\.7\.1 Try again later$/],
      ["quarantine", /^quarantine quarantine, spam score 7\.12 of 15$/],
      ["reject", /^550 5\.7\.1 Message looks like spam$/],
    ];
    for (const [word, wanted] of words)
      assert.match(only(await judge({ spam: judged(word), settings })), wanted);
    const own = { rspamd: { ...RSPAMD, reject: "quarantine" as const } };
    assert.match(
      only(await judge({ spam: judged("reject"), settings, mail: { own } })),
      /^quarantine reject/,
    );
    const gtube = judged("reject", { message: "Gtube pattern" });
    assert.equal(only(await judge({ spam: gtube, settings })), "550 5.7.1 Gtube pattern");
  });

  test("puts rspamd's fields on top where that is asked for", async () => {
    const fields = async (headers: boolean) =>
      (await judge({ settings: { rspamd: { ...RSPAMD, headers } } })).inspected[0]?.fields;
    assert.deepEqual([await fields(true), await fields(false)], [["X-Spam: Yes"], []]);
  });

  test("spares postmaster, whom the operator allows, and large bodies", async () => {
    const spam = judged("reject");
    assert.deepEqual((await judge({ spam, settings, mail: { exempt: true } })).inspected, []);
    assert.equal(only(await judge({ spam, settings, size: 1001 })), "accept");
    // What was only announced as large is judged.
    assert.match(only(await judge({ spam, settings, mail: { announced: 5000 } })), /^550/);
  });

  test("defers, tags or sets aside when nobody answers", async () => {
    assert.match(only(await judge({ spam: AWAY, settings })), /^451 4\.7\.1 No spam scanner answers/);
    const aside = { rspamd: { ...RSPAMD, unavailable: "quarantine" as const } };
    assert.match(only(await judge({ spam: AWAY, settings: aside })), /^quarantine not scanned/);
  });
});
