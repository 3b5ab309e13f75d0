import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, test } from "node:test";
import type { WholeBody } from "../../../../src/ports/inspection.ts";
import { FakeClamd, type ClamdMood } from "../../../support/fake-scanners.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { away, bench, body, MAIL, servers } from "../../../support/scan-bench.ts";
import { waitFor } from "../../../support/wait.ts";

const EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

describe("clamd", () => {
  test("is shown the body whole, and says clean or the signature's name", async () => {
    await using fake = await FakeClamd.start();
    const { virus } = bench();
    const large = Buffer.alloc(300_000, "abc\r\n");
    assert.deepEqual(await virus.open(MAIL, servers(fake.address)).finish(body(large)), { kind: "clean" });
    assert.ok(fake.bodies[0]?.equals(large));
    const found = await virus.open(MAIL, servers(fake.address)).finish(body(`a\r\n${EICAR}`));
    assert.deepEqual(found, { kind: "found", name: "Fake.EICAR" });
  });

  test("may name a signature with more than replies hold, of which a mark is left", async () => {
    const server = createServer((socket) => {
      socket.on("data", (chunk) => chunk.subarray(-4).equals(Buffer.alloc(4)) && socket.end(ANSWER));
    });
    const ANSWER = Buffer.from("stream: Caf\xe9.\x9b31m FOUND\0", "latin1");
    await once(server.listen(0, "127.0.0.1"), "listening");
    try {
      const { port } = server.address() as { port: number };
      const { virus } = bench();
      const found = await virus.open(MAIL, servers(`127.0.0.1:${port}`)).finish(body("x"));
      assert.deepEqual(found, { kind: "found", name: "Caf?.?31m" });
    } finally {
      server.close();
    }
  });

  test("may say its word octet by octet", async () => {
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on("data", async (chunk) => {
        if (!chunk.subarray(-4).equals(Buffer.alloc(4))) return;
        for (const octet of "stream: Fake.EICAR FOUND\0") {
          socket.write(octet);
          await new Promise(setImmediate);
        }
      });
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    try {
      const { port } = server.address() as AddressInfo;
      const found = await bench()
        .virus.open(MAIL, servers(`127.0.0.1:${port}`))
        .finish(body("x"));
      assert.deepEqual(found, { kind: "found", name: "Fake.EICAR" });
    } finally {
      server.close();
    }
  });

  test("is not shown a body whose sender left while it waited for a place", { timeout: 10_000 }, async () => {
    await using fake = await FakeClamd.start();
    fake.mood = "silent";
    const { virus } = bench(new ManualClock());
    const narrow = { ...servers(fake.address), connections: 1 };
    const [first, second, third] = [
      virus.open(MAIL, narrow),
      virus.open(MAIL, narrow),
      virus.open(MAIL, narrow),
    ];
    const one = first.finish(body("one"));
    await waitFor({ what: "the first is asked", deadline: 5000 }, () => fake.octets > 10);
    const two = second.finish(body("two"));
    const three = third.finish(body("three"));
    second.abort();
    first.abort();
    assert.equal((await one).kind, "away");
    assert.deepEqual(await two, { kind: "away", why: `${fake.address} given up` });
    await waitFor({ what: "the next in line is asked", deadline: 5000 }, () => fake.connections === 2);
    third.abort();
    assert.equal((await three).kind, "away");
  });

  test(
    "has its place for those in line, whoever left the line or had it before them",
    { timeout: 10_000 },
    async () => {
      await using fake = await FakeClamd.start();
      fake.mood = "silent";
      const clock = new ManualClock(0);
      const { virus } = bench(clock);
      const open = (timeout: number) =>
        virus.open(MAIL, { ...servers(fake.address), connections: 1, timeout });
      const asked = (count: number) => waitFor(WAIT, () => fake.connections === count && fake.octets > 15);
      const WAIT = { what: "it is asked", deadline: 5000 };
      const holder = open(600_000);
      const held = holder.finish(body("x"));
      await asked(1);
      const hurried = away(open(1000), body("x"));
      clock.advance(1000);
      assert.match(await hurried, /no free connection/);
      const [second, third] = [away(open(5000), body("x")), open(600_000).finish(body("x"))];
      holder.abort();
      await held;
      await asked(2);
      fake.mood = "eicar";
      clock.advance(5000);
      assert.match(await second, /in time/);
      assert.deepEqual(await third, { kind: "clean" });
    },
  );

  const moods: readonly [ClamdMood, RegExp][] = [
    ["nonsense", /answered stream: Ok, more or less/],
    ["closes", /without an answer|ECONNRESET|EPIPE/],
    ["closesMidStream", /without an answer|ECONNRESET|EPIPE/],
    ["endless", /without end/],
  ];
  for (const [mood, why] of moods)
    test(`is away, not clean, when it is ${mood}`, async () => {
      await using fake = await FakeClamd.start();
      fake.mood = mood;
      assert.match(await away(bench().virus.open(MAIL, servers(fake.address)), body("hello")), why);
    });

  test("is away when it says nothing in time, and when nobody listens", async () => {
    const fake = await FakeClamd.start();
    fake.mood = "silent";
    const { virus } = bench();
    const hurried = { ...servers(fake.address), timeout: 50 };
    assert.match(await away(virus.open(MAIL, hurried), body("hello")), /did not answer in time/);
    await fake[Symbol.asyncDispose]();
    assert.match(await away(virus.open(MAIL, servers(fake.address)), body("hello")), /ECONNREFUSED/);
    const socket = servers("/nowhere/clamd.ctl");
    assert.match(await away(virus.open(MAIL, socket), body("hello")), /ENOENT/);
  });

  test("is not blamed for a body that cannot be read from our own disk", async () => {
    await using fake = await FakeClamd.start();
    const { virus, events } = bench();
    const unreadable: WholeBody = {
      ...body(""),
      read: async function* () {
        yield Buffer.from("hello");
        throw new Error("EIO: i/o error, read");
      },
    };
    for (let n = 0; n < 5; n++)
      await assert.rejects(virus.open(MAIL, servers(fake.address)).finish(unreadable), /^Error: EIO/);
    assert.deepEqual(events, []);
    await waitFor({ what: "its connections end", deadline: 5000 }, () => fake.open === 0);
    assert.deepEqual(await virus.open(MAIL, servers(fake.address)).finish(body("a")), { kind: "clean" });
  });

  test("may find the body too large", async () => {
    await using fake = await FakeClamd.start();
    fake.mood = "size";
    const scan = bench().virus.open(MAIL, servers(fake.address));
    assert.deepEqual(await scan.finish(body("hello")), { kind: "oversize" });
  });

  test("gives way to the next server, which gets the body from its beginning", async () => {
    await using bad = await FakeClamd.start();
    await using good = await FakeClamd.start();
    bad.mood = "closesMidStream";
    const scan = bench().virus.open(MAIL, servers(bad.address, good.address));
    assert.deepEqual(await scan.finish(body("hello")), { kind: "clean" });
    assert.deepEqual(good.bodies.map(String), ["hello"]);
  });

  test("leaves time for the next server when the first says nothing", async () => {
    await using bad = await FakeClamd.start();
    await using good = await FakeClamd.start();
    bad.mood = "silent";
    const both = { ...servers(bad.address, good.address), timeout: 400 };
    assert.deepEqual(await bench().virus.open(MAIL, both).finish(body("x")), { kind: "clean" });
  });

  test("is left alone after three failures, tried again by one mail, and told of", async () => {
    await using fake = await FakeClamd.start();
    fake.mood = "closes";
    const clock = new ManualClock(0);
    const { virus, events } = bench(clock);
    const scan = () => virus.open(MAIL, servers(fake.address));
    for (let i = 0; i < 3; i++) await away(scan(), body("x"));
    assert.match(await away(scan(), body("x")), /are suspended/);
    assert.equal(fake.connections, 3);
    clock.set(-3_600_000);
    clock.advance(5000);
    fake.mood = "silent";
    const trial = scan().finish(body("x"));
    assert.match(await away(scan(), body("x")), /are suspended/);
    await waitFor({ what: "the trial", deadline: 5000 }, () => fake.connections === 4);
    clock.advance(5000);
    assert.equal((await trial).kind, "away");
    clock.advance(10_000);
    fake.mood = "eicar";
    assert.equal((await scan().finish(body("x"))).kind, "clean");
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ["scanner.away", "scanner.back"],
    );
  });

  test("is tried again by the next mail where the one that was to try it could not", async () => {
    await using fake = await FakeClamd.start();
    const clock = new ManualClock(0);
    const { virus } = bench(clock);
    fake.mood = "silent";
    const long = virus.open(MAIL, { ...servers(fake.address), timeout: 600_000 });
    const longest = long.finish(body("x"));
    await waitFor({ what: "the long one", deadline: 5000 }, () => fake.octets > 10);
    fake.mood = "closes";
    for (let i = 0; i < 3; i++) await away(virus.open(MAIL, servers(fake.address)), body("x"));
    clock.advance(5000);
    const crowded = away(virus.open(MAIL, { ...servers(fake.address), connections: 1 }), body("x"));
    clock.advance(5000);
    assert.match(await crowded, /no free connection/);
    const left = virus.open(MAIL, servers(fake.address));
    const given = away(left, body("x"));
    left.abort();
    assert.match(await given, /given up/);
    fake.mood = "eicar";
    assert.deepEqual(await virus.open(MAIL, servers(fake.address)).finish(body("x")), { kind: "clean" });
    long.abort();
    await longest;
  });

  test("rests longer each time, up to a minute, and begins anew once it has answered", async () => {
    await using fake = await FakeClamd.start();
    const clock = new ManualClock(0);
    const { virus } = bench(clock);
    const scan = () => virus.open(MAIL, servers(fake.address));
    const failsAndRests = async (seconds: number): Promise<void> => {
      assert.doesNotMatch(await away(scan(), body("x")), /suspended/);
      clock.advance(seconds * 1000 - 1);
      assert.match(await away(scan(), body("x")), /suspended/, `${seconds} s`);
      clock.advance(1);
    };
    fake.mood = "closes";
    for (let i = 0; i < 2; i++) await away(scan(), body("x"));
    for (const seconds of [5, 10, 20, 40, 60, 60]) await failsAndRests(seconds);
    fake.mood = "eicar";
    assert.deepEqual(await scan().finish(body("x")), { kind: "clean" });
    fake.mood = "closes";
    for (let i = 0; i < 2; i++) await away(scan(), body("x"));
    for (const seconds of [5, 10]) await failsAndRests(seconds);
  });

  test("is told of each time that it is left alone, though it answered an earlier mail meanwhile", async () => {
    await using fake = await FakeClamd.start();
    const clock = new ManualClock();
    const { virus, events } = bench(clock);
    const scan = () => virus.open(MAIL, servers(fake.address));
    const failThrice = async (): Promise<void> => {
      fake.mood = "closes";
      for (let i = 0; i < 3; i++) await away(scan(), body("x"));
    };
    const begun = virus.open({ ...MAIL, announced: 300_000 }, servers(fake.address));
    await waitFor({ what: "its first words", deadline: 5000 }, () => fake.octets === 10);
    await failThrice();
    fake.mood = "eicar";
    assert.deepEqual(await begun.finish(body("x")), { kind: "clean" });
    await failThrice();
    assert.match(await away(scan(), body("x")), /are suspended/);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ["scanner.away", "scanner.back", "scanner.away"],
    );
  });

  test("is given up in time though the wall clock is set back", async () => {
    await using one = await FakeClamd.start();
    await using other = await FakeClamd.start();
    one.mood = other.mood = "silent";
    const clock = new ManualClock(0);
    const scan = bench(clock).virus.open(MAIL, { ...servers(one.address, other.address), timeout: 400 });
    const asked = (fake: FakeClamd) => (): boolean => fake.octets > 10;
    let said = "";
    void away(scan, body("x")).then((why) => (said = why));
    await waitFor({ what: "the first is asked", deadline: 5000 }, asked(one));
    clock.set(-3_600_000);
    clock.advance(200);
    await waitFor({ what: "the second is asked", deadline: 5000 }, asked(other));
    clock.advance(200);
    await waitFor({ what: "it is given up", deadline: 5000 }, () => /in time/.test(said));
  });

  test("gets no more bodies at a time than it has places for", async () => {
    await using fake = await FakeClamd.start();
    fake.mood = "silent";
    const clock = new ManualClock(0);
    const { virus } = bench(clock);
    const narrow = { ...servers(fake.address), connections: 2, timeout: 300 };
    const all = Array.from({ length: 5 }, () => virus.open(MAIL, narrow).finish(body("x")));
    await waitFor({ what: "two bodies", deadline: 5000 }, () => fake.octets > 20);
    assert.equal(fake.connections, 2);
    clock.advance(300);
    const whys = (await Promise.all(all)).map((answer) => ("why" in answer ? answer.why : answer.kind));
    assert.ok(
      whys.every((why) => /in time|no free connection|are suspended/.test(why)),
      whys.join(),
    );
  });
});
