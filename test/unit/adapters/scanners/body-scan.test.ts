import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { WholeBody } from "../../../../src/ports/inspection.ts";
import { FakeClamd } from "../../../support/fake-scanners.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { away, bench, body, MAIL, servers } from "../../../support/scan-bench.ts";
import { tempFolder } from "../../../support/temp-folder.ts";
import { waitFor } from "../../../support/wait.ts";

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
