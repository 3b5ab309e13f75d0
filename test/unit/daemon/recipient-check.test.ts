import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRecipient } from "../../../src/daemon/recipient-check.ts";
import type { KnownPrimaries } from "../../../src/ports/health.ts";
import type { Directory } from "../../../src/services/directory/directory.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { MemoryDirectory } from "../../support/smtp-bench.ts";

function checkParts(
  known: KnownPrimaries,
  domains?: ConstructorParameters<typeof MemoryDirectory>[0],
): Parameters<typeof checkRecipient>[1] {
  return {
    directory: new MemoryDirectory(domains) as unknown as Directory,
    memory: { find: () => ({}), mayBeRefused: () => false },
    clock: new ManualClock(),
    primaries: async () => known,
    fetched: () => undefined,
  };
}

const PROBE = "a local part with `%`, `!` or `@` asks us to relay the mail: refused, whatever the lists say";

test("the answer about a recipient says why, where it comes from, and what a client would read", async () => {
  const parts = checkParts({ primaries: [] });
  const answers: Record<string, [string, string, string?]> = {
    "alice@our.test": ["accept", "matches `alice` in the list", "file"],
    "Alice+News@our.test": ["accept", "without its tag `+news` it matches `alice` in the list", "file"],
    "list-dev@our.test": ["accept", "matches `list-*` in the list", "file"],
    "list-dev+x@our.test": ["accept", "matches `list-*` in the list", "file"],
    "postmaster@our.test": ["accept", "postmaster is always valid", "always"],
    "anybody+x@all.test": ["accept", "the domain accepts every address", "catch-all"],
    "alice@leaving.test": [
      "defer",
      "leaving.test was removed; it accepts no new mail and delivers what is waiting",
    ],
    "alice@elsewhere.test": ["reject", "elsewhere.test is not one of our domains"],
    "a%b@all.test": ["reject", PROBE],
    "other!a@all.test": ["reject", PROBE],
    '"a@b"@all.test': ["reject", PROBE],
    "nobody@our.test": ["reject", "not in the lists of the domain"],
  };
  for (const [address, [answer, why, origin]] of Object.entries(answers)) {
    const told = await checkRecipient(address, parts);
    assert.deepEqual([told.answer, told.why, told.origin], [answer, why, origin], address);
  }
  assert.equal((await checkRecipient("nobody@our.test", parts)).reply, "550 5.1.1 No such mailbox here");
  assert.equal((await checkRecipient("a%b@all.test", parts)).reply, "550 5.7.1 Relay access denied");
  const listed = async (address: string) => (await checkRecipient(address, parts)).sources?.[0];
  assert.deepEqual(await listed("ALICE+News@our.test"), { source: "list (file)", says: "has `alice`" });
  assert.deepEqual(await listed("nobody+x@our.test"), { source: "lists", says: "not in it" });
});

test("of an address that its primary is asked about, it says what the primary's state makes of it", async () => {
  const settings = { callout: true, unknownDuringOutage: "accept" } as const;
  const of = (state: "up" | "down", domain = "asked.test"): KnownPrimaries => ({
    primaries: [{ destination: "p:25", domains: [domain], state, since: 0, connections: 0 }],
  });
  const away = "unknown, and no primary is up to be asked; unknownDuringOutage is accept";
  const noPrimaries = "the delivery thread does not answer";
  const cases: readonly (readonly [KnownPrimaries, string, string, string | undefined])[] = [
    [of("up"), "ask", "unknown; p:25 would be asked", "p:25 is up"],
    [of("down"), "accept", away, "p:25 is down"],
    [of("up", "other.test"), "accept", away, undefined],
    [
      { primaries: [], noPrimaries },
      "defer",
      "unknown, and no primary can be asked at the moment",
      noPrimaries,
    ],
  ];
  for (const [known, answer, why, says] of cases) {
    const told = await checkRecipient(
      "bob@asked.test",
      checkParts(known, [{ name: "asked.test", settings }]),
    );
    assert.deepEqual([told.answer, told.why, told.sources?.[1]?.says], [answer, why, says]);
  }
});

test("where no primary would be asked, nobody waits to learn how it stands", async () => {
  const hangs = { ...checkParts({ primaries: [] }), primaries: () => new Promise<never>(() => undefined) };
  assert.equal((await checkRecipient("alice@our.test", hangs)).answer, "accept");
});
