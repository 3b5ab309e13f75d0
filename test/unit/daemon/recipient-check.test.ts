import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRecipient } from "../../../src/daemon/recipient-check.ts";
import type { KnownPrimaries } from "../../../src/ports/health.ts";
import type { Remembered } from "../../../src/ports/recipient-memory.ts";
import type { Directory } from "../../../src/services/directory/directory.ts";
import type { FetchStatus } from "../../../src/services/recipients/recipients.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { MemoryDirectory } from "../../support/smtp-bench.ts";
import { DOMAIN } from "../../support/smtp-settings.ts";

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

test("the check of a recipient returns the reason, its origin and the reply that a client would get", async () => {
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

test("the check of an address that needs a callout depends on the state of its primary", async () => {
  const settings = { callout: true, unknownDuringOutage: "accept" } as const;
  const of = (state: "up" | "down", domain = "asked.test"): KnownPrimaries => ({
    primaries: [{ destination: "p:25", domains: [domain], state, since: 0, connections: 0 }],
  });
  const [takesAll] = of("up").primaries;
  assert.ok(takesAll !== undefined);
  const everything: KnownPrimaries = { primaries: [{ ...takesAll, acceptAll: ["asked.test"] }] };
  const away = "unknown, and no primary is up to be asked; unknownDuringOutage is accept";
  const noPrimaries = "the delivery thread does not answer";
  const cases: readonly (readonly [KnownPrimaries, string, string, string | undefined])[] = [
    [of("up"), "ask", "unknown; p:25 would be asked", "p:25 is up"],
    [of("down"), "accept", away, "p:25 is down"],
    [everything, "accept", "unknown, and p:25 accepts every address", "p:25 is up, accepts every address"],
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

test("the check of a recipient that needs no callout does not wait for the state of primaries", async () => {
  const hangs = { ...checkParts({ primaries: [] }), primaries: () => new Promise<never>(() => undefined) };
  assert.equal((await checkRecipient("alice@our.test", hangs)).answer, "accept");
});

const HOUR = 3_600_000;
const NO_SUCH = "550 5.1.1 no such user";

test("the check returns what the primary said about the address, with its age and where it was learned", async () => {
  const asked = checkParts({ primaries: [] }, [
    { name: "asked.test", settings: { callout: true, unknownDuringOutage: "reject" } },
  ]);
  const now = asked.clock.now();
  const check = async (said: Remembered) => {
    const memory = { find: () => said, mayBeRefused: () => true };
    const { answer, why, origin, age, sources } = await checkRecipient("bob@asked.test", {
      ...asked,
      memory,
    });
    assert.deepEqual(sources?.[0], { source: "lists", says: "not in it" });
    return [[answer, origin, age], why, ...(sources?.slice(1).map((each) => [each.says, each.age]) ?? [])];
  };
  const took = "its primary accepted mail for it";
  const accepted = { at: now - HOUR, origin: "delivery" } as const;
  assert.deepEqual(await check({ accepted }), [["accept", "learned", HOUR], took, [took, HOUR]]);
  const exists = "its primary said that it exists";
  const vouched = { accepted: { ...accepted, origin: "callout" } } as const;
  assert.deepEqual(await check(vouched), [["accept", "callout", HOUR], exists, [exists, HOUR]]);
  const refused = { since: now - HOUR, at: now - HOUR / 2, origin: "callout", reply: NO_SUCH } as const;
  const heard = [`its primary refused it: ${NO_SUCH}`, HOUR / 2];
  const gone = "its primary has no such mailbox";
  assert.deepEqual(await check({ refused }), [["reject", "callout", HOUR / 2], gone, heard]);
  const doubted = "its primary refuses it, but accepted it recently: deferred for the first day";
  const both = await check({ refused: { ...refused, origin: "delivery" }, accepted });
  assert.deepEqual(both, [["defer", "learned", HOUR / 2], doubted, [took, HOUR], heard]);
  assert.deepEqual(await check({}), [
    ["reject", undefined, undefined],
    "unknown, and no primary is up to be asked; unknownDuringOutage is reject",
  ]);
});

test("the check returns the age of the list that has the address, and reports a list that was never fetched", async () => {
  const clock = new ManualClock();
  const fetched = { url: "https://lists.test/a", every: HOUR };
  const record = { name: "list.test", settings: { ...DOMAIN, fetched }, paused: false, draining: false };
  const check = async (status: FetchStatus | undefined, list?: number) => {
    const domain = { ...record, origin: "file" as const, ...(list !== undefined && { fetched: list }) };
    const hit = { pattern: "bob", origin: "url" } as const;
    const recipient = (): typeof hit | undefined => (list === undefined ? undefined : hit);
    const directory = { generation: () => 1, domain: () => domain, recipient } as unknown as Directory;
    const parts = { ...checkParts({ primaries: [] }), directory, clock, fetched: () => status };
    const { answer, why, age, sources } = await checkRecipient("bob@list.test", parts);
    return [answer, why, age, sources?.[1]];
  };
  const { url } = fetched;
  const never = `the list at ${url} was never fetched`;
  const says = { source: url, says: "was never fetched; the last fetch failed: it answered 500" };
  assert.deepEqual(await check({ url, error: "it answered 500" }), ["defer", never, undefined, says]);
  const nothing = { source: url, says: "not fetched yet" };
  assert.deepEqual(await check(undefined), ["defer", never, undefined, nothing]);
  const current = await check({ url, entries: 3, checkedAt: clock.now() - HOUR }, 1);
  const listed = { source: url, says: "3 entries", age: HOUR };
  assert.deepEqual(current, ["accept", "matches `bob` in the list", HOUR, listed]);
});
