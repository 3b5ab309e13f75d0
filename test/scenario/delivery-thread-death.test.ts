/** The delivery thread dies in the middle of conversations: another takes over, and nothing is lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mailNamed } from "../fixtures/mails.ts";
import { untilDrained } from "../prove/story.ts";
import { fakePrimary } from "../support/fake-primary.ts";
import { queueIdOf, sendTestMail } from "../support/raw-smtp.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { watchThreads } from "../support/thread-watch.ts";
import { waitFor } from "../support/wait.ts";

const COUNT = 20;

test("if the delivery thread dies, mail is kept, possible duplicates are marked, and a domain test in progress gets an error", async () => {
  using threads = watchThreads();
  await using folder = await tempFolder();
  await using primary = await fakePrimary({ onDot: () => "silence" });
  const plan = { folder: folder.path, primaryPort: primary.port, smtp: { greetDelay: "0s", threads: 1 } };
  await using daemon = await ResidentDaemon.start(plan);
  const sent = new Set<string>();
  for (let n = 0; n < COUNT; n++) {
    const reply = await sendTestMail(daemon.smtpPort, mailNamed("plain"), "example.test");
    sent.add(queueIdOf(reply) ?? "");
  }
  assert.equal(sent.size, COUNT);
  await primary.received(1);
  primary.behaviour.onRcpt = (recipient) => (recipient.startsWith("holdfast-test-") ? "silence" : undefined);
  const tested = daemon.api("POST", "/v1/domains/example.test/test").then(String, String);
  await waitFor({ what: "the test session", deadline: 20_000 }, () =>
    primary.commands.some((line) => line.startsWith("RCPT TO:<holdfast-test-")),
  );
  const [first] = threads.named("delivery");
  await first?.terminate();
  const resuming = daemon.api("POST", "/v1/domains/example.test/resume").then(String, String);
  const [words, resumed, { noPrimaries = "" }] = await Promise.all([tested, resuming, daemon.status()]);
  assert.match(words, /: 409 .*deliveries are starting again/);
  assert.match(resumed, /: 409 .*a probation may go on/);
  assert.match(noPrimaries, /^no delivery thread is running at the moment; /);
  primary.behaviour.onDot = () => undefined;
  await waitFor(
    { what: "another delivery thread", deadline: 20_000 },
    () => threads.named("delivery").length > 1,
  );
  await daemon.api("POST", "/v1/queue/actions", { verb: "flush", all: true });
  await untilDrained(daemon, 60_000);

  const arrivals = new Map<string, number>();
  for (const { data } of primary.mails) {
    const id = / id ([\w.-]+)/.exec(data.toString("latin1"))?.[1] ?? "";
    arrivals.set(id, (arrivals.get(id) ?? 0) + 1);
  }
  assert.deepEqual(new Set(arrivals.keys()), sent, "each mail arrives, and nothing else");
  const named = new Set<string>();
  for await (const { id, unconfirmed } of daemon.entries(true)) if (unconfirmed > 0) named.add(id);
  const doubled = [...arrivals].filter(([, times]) => times > 1).map(([id]) => id);
  assert.deepEqual(
    doubled.filter((id) => !named.has(id)),
    [],
    "what arrived twice was named",
  );
  assert.ok(doubled.length > 0, "the thread died with mail past its dot");
});
