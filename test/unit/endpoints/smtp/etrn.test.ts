import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { Flushes } from "../../../../src/endpoints/smtp/etrn.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { RawSmtp } from "../../../support/raw-smtp.ts";
import { startBench } from "../../../support/smtp-bench.ts";

test("a domain is flushed once in half a minute, however often it is asked for", () => {
  const clock = new ManualClock();
  const flushed: string[] = [];
  const flushes = new Flushes(clock, (domain) => void flushed.push(domain));
  for (let times = 0; times < 1000; times++) assert.equal(flushes.ask("a.test"), true);
  assert.deepEqual(flushed, ["a.test"]);
  clock.advance(29_999);
  assert.equal(flushes.ask("a.test"), true);
  assert.equal(flushed.length, 1);
  clock.advance(1);
  assert.equal(flushes.ask("a.test"), true);
  assert.equal(flushed.length, 2);
});

test("no more than ten domains a second", () => {
  const clock = new ManualClock();
  const flushed: string[] = [];
  const flushes = new Flushes(clock, (domain) => void flushed.push(domain));
  const ask = (): number =>
    Array.from({ length: 50 }, (_, n) => flushes.ask(`d${n}.test`)).filter(Boolean).length;
  assert.equal(ask(), 10);
  clock.advance(1000);
  assert.equal(ask(), 20);
  assert.equal(flushed.length, 20);
  assert.equal(new Set(flushed).size, 20);
});

test("over the wire, only our domains reach delivery, by their one spelling", async () => {
  await using bench = await startBench();
  const smtp = new RawSmtp(connect(bench.port, "127.0.0.1"));
  await smtp.reply();
  await smtp.command("EHLO c.example");
  for (const name of ["OUR.test.", "our.test", "evil.test", "bücher.example"])
    await smtp.command(`ETRN ${name}`);
  smtp.close();
  assert.deepEqual(bench.flushed, ["our.test", "xn--bcher-kva.example"]);
});
