import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openSmtp } from "../../../support/raw-smtp.ts";
import { startBench, type Bench, type BenchOptions } from "../../../support/smtp-bench.ts";

const CLIENT = { ip: "127.0.0.1", helo: "c.example", sender: "a@b.example", recipient: "alice@our.test" };

const GREYLISTED: BenchOptions = {
  checkSettings: { dnsbl: "off", greylist: { delay: 60_000 }, helo: "tag" },
};

/** What a real client reads at RCPT; the banner where it gets no further. */
async function told(bench: Bench, { helo, sender, recipient }: typeof CLIENT = CLIENT): Promise<string> {
  const smtp = await openSmtp(bench.port);
  if (smtp === undefined) return "refused at connect";
  await smtp.command(`EHLO ${helo}`);
  await smtp.command(`MAIL FROM:<${sender}>`);
  const reply = await smtp.command(`RCPT TO:<${recipient}>`);
  smtp.close();
  return reply?.lines.join(" / ") ?? "closed";
}

describe("explain", () => {
  test("gives each reply as a client would read it, and each finding", async () => {
    await using bench = await startBench(GREYLISTED);
    const { steps, verdict, checks } = await bench.endpoint.explain(CLIENT);
    assert.deepEqual(
      steps.map(({ command = "", reply }) => `${command} ${reply.slice(0, 12)}`),
      [
        " 220 mx.us ES",
        "EHLO c.example 250 mx.us",
        "MAIL FROM:<a@b.example> 250 2.1.0 Ok",
        "RCPT TO:<alice@our.test> 451 4.7.1 Yo",
      ],
    );
    assert.equal(verdict, "defer");
    assert.deepEqual(
      checks.map(([check]) => check),
      ["relay", "recipient", "helo", "greylist"],
    );
    assert.equal(await told(bench), steps.at(-1)?.reply);
  });

  test("remembers nothing: the client is as new as before", async () => {
    await using bench = await startBench(GREYLISTED);
    for (let n = 0; n < 5; n++) await bench.endpoint.explain(CLIENT);
    assert.equal(await told(bench), "451 4.7.1 You are new here, try again in 60 s");
    const before = bench.events.length;
    await bench.endpoint.explain({ ...CLIENT, recipient: "nobody@our.test" });
    assert.equal(bench.events.length, before);
    assert.deepEqual(bench.errors, []);
  });

  test("counts nothing, and tells when a cap is reached", async () => {
    const rates = { period: 3_600_000, connections: 3, mails: 2, recipients: 2 };
    await using bench = await startBench({ settings: { rates } });
    for (let n = 0; n < 20; n++) assert.equal((await bench.endpoint.explain(CLIENT)).verdict, "accept");
    assert.match(await told(bench), /^250 /);
    assert.match(await told(bench), /^250 /);
    const { steps, verdict } = await bench.endpoint.explain(CLIENT);
    assert.equal(verdict, "defer");
    assert.match(steps.at(-1)?.reply ?? "", /^451 4\.7\.1 Too many mails/);
    assert.equal((await bench.endpoint.explain({ ...CLIENT, ip: "198.51.100.1" })).verdict, "accept");
  });

  test("shows what would be added, and stops where the client would be stopped", async () => {
    await using bench = await startBench({ checkSettings: { dnsbl: "off", helo: "tag" } });
    const tagged = await bench.endpoint.explain({ ...CLIENT, helo: "localhost" });
    assert.deepEqual([tagged.verdict, tagged.fields], ["tag", ["X-Holdfast-HELO: not-a-full-name"]]);
    bench.intake.state = "sick";
    const sick = await bench.endpoint.explain(CLIENT);
    assert.deepEqual([sick.verdict, sick.steps.length], ["defer", 1]);
    bench.intake.state = "ok";
    const bad = await bench.endpoint.explain({ ...CLIENT, helo: "a\r\nRSET" });
    assert.deepEqual([bad.verdict, bad.steps.length], ["reject", 2]);
    const foreign = await bench.endpoint.explain({ ...CLIENT, recipient: "x@elsewhere.test" });
    assert.deepEqual(foreign.checks[0]?.slice(0, 3), ["relay", "rcpt", "550 5.7.1 Relay access denied"]);
  });
});
