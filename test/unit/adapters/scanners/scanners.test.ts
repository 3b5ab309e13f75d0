import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { clamd, rspamd } from "../../../../src/adapters/scanners/scanners.ts";
import type { InspectedMail, WholeBody } from "../../../../src/ports/inspection.ts";
import type { JournalEvent } from "../../../../src/ports/journal.ts";
import type { Scan } from "../../../../src/ports/scanner.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { FakeClamd, FakeRspamd, type ClamdMood, type RspamdMood } from "../../../support/fake-scanners.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { tempFolder } from "../../../support/temp-folder.ts";
import { waitFor } from "../../../support/wait.ts";

const EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
const MAIL: InspectedMail = {
  id: "Q1",
  client: { ip: "192.0.2.1", helo: "c.example", name: "client.example" },
  sender: "grün@example.org",
  announced: 0,
  recipients: ["alice@our.test", "bob@our.test"],
  own: undefined,
  exempt: false,
};

/** A body in pieces of 64 KiB, as the store gives it. */
function body(content: string | Buffer): WholeBody {
  const whole = Buffer.from(content);
  return {
    size: whole.length,
    facts: { received: 0, ownReceived: 0, tooLong: false },
    read: async function* () {
      for (let at = 0; at < whole.length; at += 65_536) yield whole.subarray(at, at + 65_536);
    },
  };
}

function bench(clock = systemClock()) {
  const events: JournalEvent[] = [];
  const parts = { clock, journal: { record: (event: JournalEvent) => void events.push(event) } };
  return { events, virus: clamd(parts), spam: rspamd(parts) };
}

const servers = (...list: string[]) => ({ servers: list, timeout: 5000, connections: 4 });
const away = async (scan: Scan<unknown>, of: WholeBody): Promise<string> => {
  const answer = (await scan.finish(of)) as { kind: string; why?: string };
  assert.equal(answer.kind, "away");
  return answer.why ?? "";
};

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

describe("a large body", () => {
  const LARGE = { ...MAIL, announced: 1_000_000 };
  const chunk = Buffer.alloc(100_000, "live\r\n");

  test("goes to clamd while it arrives, its memory copied", async () => {
    await using fake = await FakeClamd.start();
    const scan = bench().virus.open(LARGE, servers(fake.address));
    // Small enough to wait for the connection in memory.
    const own = Buffer.from("ten octets");
    assert.equal(scan.feed(own), undefined);
    own.fill(0);
    await waitFor({ what: "the first octets", deadline: 5000 }, () => fake.octets > 10);
    assert.deepEqual(await scan.finish(body("unread")), { kind: "clean" });
    assert.deepEqual([fake.connections, fake.bodies.map(String)], [1, ["ten octets"]]);
  });

  test("is read again for the next server when the first fails in the midst of it", async () => {
    await using bad = await FakeClamd.start();
    await using good = await FakeClamd.start();
    bad.mood = "closesMidStream";
    const scan = bench().virus.open(LARGE, servers(bad.address, good.address));
    await scan.feed(Buffer.from(chunk));
    assert.deepEqual(await scan.finish(body(chunk)), { kind: "clean" });
    assert.ok(good.bodies[0]?.equals(chunk));
  });

  test("is not believed to be clean by a server that has not heard all of it", async () => {
    await using fake = await FakeClamd.start();
    fake.mood = "early";
    const scan = bench().virus.open(LARGE, servers(fake.address));
    for (let i = 0; i < 20; i++) {
      await scan.feed(Buffer.from(chunk));
      await new Promise((resolve) => void setImmediate(resolve));
    }
    assert.match(await away(scan, body(chunk)), /before the end/);
  });

  for (const place of ["a TCP port", "a Unix socket"])
    test(`is known as too large where clamd says so at ${place} and closes while it is still sent`, async () => {
      await using folder = await tempFolder();
      const answerer = createServer((socket) => {
        socket.on("data", () => {
          if (socket.bytesRead < 1000) return;
          socket.write("INSTREAM size limit exceeded. ERROR\0");
          socket.destroy();
          // The answer lies there unread, and nobody takes what is written next.
          for (let i = 0; i < 3; i++) void scan.feed(Buffer.alloc(1000));
          answerer.emit("answered");
        });
      });
      const path = join(folder.path, "clamd.ctl");
      if (place === "a TCP port") answerer.listen(0, "127.0.0.1");
      else answerer.listen(path);
      await once(answerer, "listening");
      const address = answerer.address();
      const server = typeof address === "object" ? `127.0.0.1:${address?.port}` : path;
      const scan = bench().virus.open(LARGE, servers(server));
      void scan.feed(Buffer.alloc(1000));
      await once(answerer, "answered");
      assert.deepEqual(await scan.finish(body(chunk)), { kind: "oversize" });
      answerer.close();
    });

  test("is not believed to be clean by a server that closed before it was sent, however late its word is read", async () => {
    await using folder = await tempFolder();
    const answerer = createServer((socket) => {
      socket.on("data", () => {
        if (socket.bytesRead < 1000) return;
        socket.write("stream: OK\0");
        socket.destroy();
        // The answer lies there unread, and nobody takes what is written next.
        for (let i = 0; i < 3; i++) void scan.feed(Buffer.alloc(1000));
        answerer.emit("answered");
      });
    });
    const path = join(folder.path, "clamd.ctl");
    await once(answerer.listen(path), "listening");
    const scan = bench().virus.open(LARGE, servers(path));
    try {
      void scan.feed(Buffer.alloc(1000));
      await once(answerer, "answered");
      assert.match(await away(scan, body(chunk)), /before the end/);
    } finally {
      answerer.close();
    }
  });

  for (const end of ["is given up", "does not answer in time"])
    test(`is read no faster than a server takes it, and no further once that ${end}`, async () => {
      await using frozen = await FakeClamd.start();
      frozen.server.on("connection", (socket) => void socket.pause());
      const clock = new ManualClock(0);
      let pieces = 0;
      const endless: WholeBody = {
        ...body(""),
        read: async function* () {
          for (; pieces < 1000; pieces++) yield chunk;
        },
      };
      const scan = bench(clock).virus.open(MAIL, servers(frozen.address));
      const answer = away(scan, endless);
      let before = -1;
      await waitFor({ what: "it stands still", deadline: 20_000, every: 50 }, () => {
        const still = pieces > 0 && pieces === before;
        before = pieces;
        return still;
      });
      if (end === "is given up") scan.abort();
      else clock.advance(5000);
      assert.ok((await answer).includes(end.replace("is ", "").replace("does", "did")));
      assert.ok(pieces < 500, `${pieces} pieces`);
    });

  test("gives its place back once, though nobody waits for it any more after its end either", async () => {
    await using fake = await FakeClamd.start();
    const clock = new ManualClock(0);
    const { virus } = bench(clock);
    const narrow = { ...servers(fake.address), connections: 2 };
    for (let n = 0; n < 3; n++) {
      const scan = virus.open(LARGE, narrow);
      assert.deepEqual(await scan.finish(body("")), { kind: "clean" });
      scan.abort();
    }
    fake.mood = "silent";
    const all = Array.from({ length: 4 }, () => virus.open(MAIL, narrow).finish(body("x")));
    await waitFor({ what: "two bodies", deadline: 5000 }, () => fake.connections >= 5);
    clock.advance(5000);
    await Promise.all(all);
    assert.equal(fake.connections, 5);
  });

  test("goes on to a server that took what it was slow to take", async () => {
    await using fake = await FakeClamd.start();
    fake.server.once("connection", (socket) => void socket.pause());
    const clock = new ManualClock(0);
    const scan = bench(clock).virus.open(LARGE, servers(fake.address));
    const slow = Promise.withResolvers<Socket>();
    fake.server.once("connection", slow.resolve);
    let waits: Promise<void> | undefined;
    while (waits === undefined) waits = scan.feed(Buffer.from(chunk));
    (await slow.promise).resume();
    await waits;
    clock.advance(2000);
    assert.deepEqual(await scan.finish(body("unread")), { kind: "clean" });
    assert.equal(fake.connections, 1);
  });

  test("does not hold a place for a sender who has left", async () => {
    await using fake = await FakeClamd.start();
    const { virus } = bench();
    const narrow = { ...servers(fake.address), connections: 2 };
    virus.open(LARGE, narrow).abort();
    const next = virus.open(LARGE, narrow);
    await next.feed(Buffer.from("ten octets"));
    assert.deepEqual(await next.finish(body("unread")), { kind: "clean" });
    assert.deepEqual(fake.bodies.map(String), ["ten octets"]);
    await waitFor({ what: "both connections end", deadline: 5000 }, () => fake.open === 0);
  });

  test("goes to a server while it arrives where half of its places are free, and it does not rest", async () => {
    await using fake = await FakeClamd.start();
    const { virus } = bench(new ManualClock(0));
    const open = () => virus.open(LARGE, { ...servers(fake.address), connections: 4 });
    const [first, second, third] = [open(), open(), open()];
    const whole = body("read again");
    assert.deepEqual(await third.finish(whole), { kind: "clean" });
    assert.deepEqual([fake.connections, fake.bodies.map(String)], [3, ["read again"]]);
    for (const scan of [first, second]) assert.deepEqual(await scan.finish(whole), { kind: "clean" });
    assert.deepEqual(fake.bodies.map(String), ["read again", "", ""]);
    fake.mood = "closes";
    for (let i = 0; i < 3; i++) await away(virus.open(MAIL, servers(fake.address)), whole);
    assert.match(await away(open(), whole), /suspended/);
    assert.equal(fake.connections, 6);
  });

  test("does not hold a place for a sender who takes his time", async () => {
    await using fake = await FakeClamd.start();
    const clock = new ManualClock(0);
    const { virus } = bench(clock);
    const scan = virus.open(LARGE, { ...servers(fake.address), connections: 2 });
    await scan.feed(Buffer.from(chunk));
    await waitFor({ what: "the connection", deadline: 5000 }, () => fake.connections === 1);
    clock.advance(10_000);
    assert.equal(scan.feed(Buffer.from(chunk)), undefined);
    assert.deepEqual(await scan.finish(body("all of it")), { kind: "clean" });
    assert.deepEqual([fake.connections, fake.bodies.map(String)], [2, ["all of it"]]);
  });

  test("does not keep the sender waiting for a frozen server", async () => {
    await using frozen = await FakeClamd.start();
    frozen.server.on("connection", (socket) => void socket.pause());
    const clock = new ManualClock(0);
    const scan = bench(clock).virus.open(LARGE, servers(frozen.address));
    let wait: Promise<void> | undefined;
    for (let i = 0; i < 200 && wait === undefined; i++) wait = scan.feed(Buffer.from(chunk));
    assert.ok(wait !== undefined);
    clock.advance(1000);
    await wait;
    assert.equal(scan.feed(Buffer.from(chunk)), undefined);
    scan.abort();
  });
});

describe("rspamd", () => {
  test("is told of the envelope and judges the body", async () => {
    await using fake = await FakeRspamd.start();
    const { spam } = bench();
    const ham = await spam
      .open({ ...MAIL, sender: "" }, servers(fake.address))
      .finish(body("a: b\r\n\r\nx\r\n"));
    assert.deepEqual(ham, { kind: "judged", word: "no action", score: 0.1, required: 15, fields: [] });
    const bad = await spam
      .open(MAIL, servers(fake.address))
      .finish(body("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"));
    assert.deepEqual(bad, {
      kind: "judged",
      word: "reject",
      score: 15,
      required: 15,
      fields: [],
      message: "Gtube pattern",
    });
    const [first, second] = fake.requests;
    assert.equal(first?.body.toString(), "a: b\r\n\r\nx\r\n");
    assert.equal(first?.headers["from"], "<>");
    assert.deepEqual(second?.recipients, ["alice@our.test", "bob@our.test"]);
    const { ip, helo, hostname, "queue-id": id, from } = second?.headers ?? {};
    assert.deepEqual([ip, helo, hostname, id], ["192.0.2.1", "c.example", "client.example", "Q1"]);
    assert.equal(Buffer.from(from ?? "", "latin1").toString("utf8"), "grün@example.org");
  });

  test("judges a mail whose recipients do not all fit into its request header", async () => {
    await using fake = await FakeRspamd.start();
    const recipients = Array.from({ length: 1000 }, (_, n) => `alice+${n}${"ü".repeat(100)}@our.test`);
    const scan = bench().spam.open({ ...MAIL, recipients }, servers(fake.address));
    assert.equal((await scan.finish(body("x"))).kind, "judged");
    const passed = fake.requests[0]?.recipients.map((text) => Buffer.from(text, "latin1").toString()) ?? [];
    assert.ok(passed.length > 200, `${passed.length} recipients`);
    assert.deepEqual(passed, recipients.slice(0, passed.length));
  });

  test("is shown a large body whole, and is not believed before it has heard all of it", async () => {
    await using fake = await FakeRspamd.start();
    const large = Buffer.alloc(8_000_000, "abc\r\n");
    const answer = await bench().spam.open(MAIL, servers(fake.address)).finish(body(large));
    assert.equal(answer.kind, "judged");
    assert.ok(fake.requests[0]?.body.equals(large));
    fake.mood = "early";
    const scan = bench().spam.open({ ...MAIL, announced: 300_000 }, servers(fake.address));
    await scan.feed(Buffer.from("x"));
    const heard = (): boolean => fake.connections === 2 && fake.open === 0;
    await waitFor({ what: "its answer is read", deadline: 5000 }, heard);
    assert.match(await away(scan, body("x")), /before the end/);
  });

  test("may ask for header fields, which are read with care", async () => {
    await using fake = await FakeRspamd.start();
    const add_headers = {
      "X-Spam-Status": { value: "Yes, score=7\n\ttests=A,\n\tB", order: 0 },
      "X-Spam": "Yes",
      "X-Many": ["1", { value: "2" }],
      "X-Bad": "a\r\n\r\nBody",
      "Bad Name": "x",
      Subject: "other",
      "X-Number": 7,
      "X-Long": "x".repeat(5000),
    };
    fake.answer = { action: "add header", score: 7, required_score: 15, milter: { add_headers } };
    const answer = await bench().spam.open(MAIL, servers(fake.address)).finish(body("x"));
    assert.deepEqual(answer.kind === "judged" && answer.fields, [
      "X-Spam-Status: Yes, score=7\r\n\ttests=A,\r\n\tB",
      "X-Spam: Yes",
      "X-Many: 1",
      "X-Many: 2",
      "X-Bad: a\r\n\tBody",
    ]);
  });

  const moods: readonly [RspamdMood, RegExp][] = [
    ["nonsense", /no verdict/],
    ["error", /HTTP 500/],
    ["closesMidStream", /socket hang up|ECONNRESET|EPIPE|without an answer/],
    ["endless", /without end/],
  ];
  for (const [mood, why] of moods)
    test(`is away, not content, when it is ${mood}`, async () => {
      await using fake = await FakeRspamd.start();
      fake.mood = mood;
      assert.match(await away(bench().spam.open(MAIL, servers(fake.address)), body("hello")), why);
    });

  test("is away when it asks for what nobody knows", async () => {
    await using fake = await FakeRspamd.start();
    for (const answer of [
      { action: "burn", score: 1 },
      { action: "reject" },
      { score: 3 },
      { action: "constructor", score: 1 },
    ]) {
      fake.answer = answer;
      const why = await away(bench().spam.open(MAIL, servers(fake.address)), body("hello"));
      assert.match(why, /not known|no verdict/);
    }
  });

  test("is away when it says nothing in time", async () => {
    await using fake = await FakeRspamd.start();
    fake.mood = "silent";
    const hurried = { ...servers(fake.address), timeout: 50 };
    assert.match(await away(bench().spam.open(MAIL, hurried), body("hello")), /in time/);
  });
});
