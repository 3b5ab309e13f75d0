import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { text as readText } from "node:stream/consumers";
import { test } from "node:test";
import { startAlerts } from "../../../../src/adapters/alerts/alerts.ts";
import type { Alert } from "../../../../src/ports/alerts.ts";
import type { Timer } from "../../../../src/runtime/clock.ts";
import { loggerTo, type Logger } from "../../../../src/runtime/log.ts";
import { listenLocally } from "../../../support/http-listener.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { idle } from "../../../support/settle.ts";
import { SILENT } from "../../../support/silent-log.ts";
import { tempFolder } from "../../../support/temp-folder.ts";
import { waitFor } from "../../../support/wait.ts";

const WAIT = { what: "the alert", deadline: 20_000, every: 2 };

function alert(name: string, text = name): Alert {
  return { name, subject: "mail.example.com:25", text, at: Date.UTC(2026, 0, 1), facts: { held: 3 } };
}

interface Hook extends AsyncDisposable {
  readonly url: string;
  readonly bodies: string[];
  readonly authorizations: (string | undefined)[];
}

/** A webhook that answers with these codes in turn, then 204; code 0: never. */
async function hook(codes: number[] = []): Promise<Hook> {
  const bodies: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    authorizations.push(request.headers.authorization);
    const answer = (body: string): void => {
      bodies.push(body);
      const code = codes.shift() ?? 204;
      if (code !== 0) response.writeHead(code, { Location: "/elsewhere", Connection: "close" }).end();
    };
    // A request that was given up has no body to the end.
    readText(request).then(answer, () => undefined);
  });
  const listener = await listenLocally(server);
  return { ...listener, url: `http://127.0.0.1:${listener.port}/hook`, bodies, authorizations };
}

function recorder(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const log = loggerTo((_level, message, fields) => lines.push(`${message}: ${String(fields["error"])}`));
  return { log, lines };
}

test("a webhook gets the alert as JSON", async () => {
  await using target = await hook();
  const alerts = startAlerts({ webhook: target.url, clock: new ManualClock(), log: SILENT });
  alerts.raise(alert("primary.down", "It is down."));
  await waitFor(WAIT, () => target.bodies.length === 1);
  assert.deepEqual(JSON.parse(target.bodies[0] ?? ""), {
    alert: "primary.down",
    subject: "mail.example.com:25",
    text: "It is down.",
    at: "2026-01-01T00:00:00.000Z",
    facts: { held: 3 },
  });
  await alerts.stop();
});

test("an alert that comes after all others were sent is sent as well", async () => {
  await using target = await hook();
  const alerts = startAlerts({ webhook: target.url, clock: new ManualClock(), log: SILENT });
  for (const [n, name] of ["queue.oldest", "queue.expiring"].entries()) {
    alerts.raise(alert(name));
    await waitFor(WAIT, () => target.bodies.length === n + 1);
    await idle();
  }
  await alerts.stop();
});

test("a user and a password in the webhook's URL are sent as Basic authentication", async () => {
  await using target = await hook();
  for (const [login, sent] of [
    ["ops:p%40ss", "ops:p@ss"],
    ["t%C3%B6ken", "t\u00f6ken:"],
    ["ops:100%", "ops:100%"],
  ] as const) {
    const url = target.url.replace("//", `//${login}@`);
    const alerts = startAlerts({ webhook: url, clock: new ManualClock(), log: SILENT });
    alerts.raise(alert("queue.oldest"));
    await waitFor(WAIT, () => target.authorizations.length === 1);
    const [, encoded = ""] = target.authorizations.shift()?.split("Basic ") ?? [];
    assert.equal(Buffer.from(encoded, "base64").toString(), sent);
    await alerts.stop();
  }
});

/** Tells which waits have begun, so that a test moves time when somebody waits for it, and not before. */
class WatchedClock extends ManualClock {
  readonly delays: number[] = [];
  override after(delay: number, task: () => void): Timer {
    this.delays.push(delay);
    return super.after(delay, task);
  }
  begun(delay: number): number {
    return this.delays.filter((each) => each === delay).length;
  }
}

test("a failed webhook is tried once more after 5 s, then the failure is logged and the next alert is sent", async () => {
  await using target = await hook([500, 302, 204]);
  const clock = new WatchedClock();
  const { log, lines } = recorder();
  const alerts = startAlerts({ webhook: target.url, clock, log });
  alerts.raise(alert("queue.oldest"));
  alerts.raise(alert("queue.expiring"));
  await waitFor(WAIT, () => clock.begun(5000) === 1);
  assert.equal(target.bodies.length, 1);
  clock.advance(5000);
  await waitFor(WAIT, () => target.bodies.length === 3);
  assert.deepEqual(
    target.bodies.map((body) => (JSON.parse(body) as { alert: string }).alert),
    ["queue.oldest", "queue.oldest", "queue.expiring"],
  );
  assert.deepEqual(lines, ["alert not sent: it answered 302"]);
  await alerts.stop();
});

/** Lets the pauses before all further attempts pass. */
async function passPauses(clock: WatchedClock): Promise<void> {
  for (const delay of [5000, 30_000, 180_000]) {
    await waitFor(WAIT, () => clock.begun(delay) === 1);
    clock.advance(delay);
  }
}

for (const codes of [
  [503, 408, 429, 204],
  [404, 503, 500, 204],
])
  test(`an alert survives minutes in which the webhook answers ${codes.join(", ")}, and arrives once`, async () => {
    await using target = await hook([...codes]);
    const clock = new WatchedClock();
    const { log, lines } = recorder();
    const alerts = startAlerts({ webhook: target.url, clock, log });
    alerts.raise(alert("store.sick"));
    await passPauses(clock);
    await waitFor(WAIT, () => target.bodies.length === 4);
    await alerts.stop();
    assert.deepEqual([target.bodies.length, lines], [4, []]);
  });

test("after a stop nothing is sent, neither waiting alerts nor counted or gathered ones", async () => {
  await using target = await hook([0]);
  const clock = new ManualClock();
  const { log, lines } = recorder();
  const alerts = startAlerts({ webhook: target.url, clock, log });
  for (let n = 0; n < 25; n++) alerts.raise({ ...alert("queue.oldest"), subject: `${n}.test` });
  alerts.raise({ ...alert("queue.oldest"), subject: "0.test" });
  await waitFor(WAIT, () => target.bodies.length === 1);
  const ended = alerts.stop();
  clock.advance(2000);
  await ended;
  clock.advance(8000);
  await waitFor(WAIT, () => clock.waiting === 1);
  assert.deepEqual([target.bodies.length, lines], [1, []], "the attempt that was cut off has its pause");
  clock.advance(5000);
  await waitFor(WAIT, () => target.bodies.length === 2);
  await waitFor(WAIT, () => clock.waiting === 0);
  clock.advance(700_000);
  await idle();
  assert.equal(target.bodies.length, 2);
});

test("a webhook that cannot be reached is logged with the cause", async () => {
  const target = await hook();
  await target[Symbol.asyncDispose]();
  const clock = new WatchedClock();
  const { log, lines } = recorder();
  const alerts = startAlerts({ webhook: target.url, clock, log });
  alerts.raise(alert("queue.oldest"));
  await passPauses(clock);
  await waitFor(WAIT, () => lines.length === 1);
  assert.match(lines[0] ?? "", /ECONNREFUSED/);
  await alerts.stop();
});

test("an attempt at a webhook that does not answer ends after 10 s", async () => {
  await using target = await hook([0, 0, 0, 0]);
  const clock = new WatchedClock();
  const { log, lines } = recorder();
  const alerts = startAlerts({ webhook: target.url, clock, log });
  alerts.raise(alert("queue.oldest"));
  for (const [n, delay] of [5000, 30_000, 180_000, undefined].entries()) {
    await waitFor(WAIT, () => target.bodies.length === n + 1);
    clock.advance(10_000);
    if (delay === undefined) break;
    await waitFor(WAIT, () => clock.begun(delay) === 1);
    clock.advance(delay);
  }
  await waitFor(WAIT, () => lines.length === 1);
  assert.match(lines[0] ?? "", /no answer within 10 s/);
  await alerts.stop();
});

test("a repeated alert is not sent", async () => {
  await using target = await hook();
  const alerts = startAlerts({ webhook: target.url, clock: new ManualClock(), log: SILENT });
  for (const name of ["queue.oldest", "queue.oldest", "queue.expiring"]) alerts.raise(alert(name));
  await waitFor(WAIT, () => target.bodies.length === 2);
  assert.match(target.bodies[1] ?? "", /queue\.expiring/);
  await alerts.stop();
});

test("a hundred alerts wait for a slow webhook; beyond that the oldest is dropped and logged", async () => {
  await using target = await hook([0]);
  const clock = new ManualClock();
  const { log, lines } = recorder();
  const alerts = startAlerts({ webhook: target.url, clock, log });
  for (let i = 0; i < 110; i++) alerts.raise(alert(`kind ${i}`));
  assert.equal(lines.length, 9);
  const ended = alerts.stop();
  clock.advance(2000);
  await ended;
});

test("when thousands of primaries go down at once, no alert is lost and other alerts still arrive", async () => {
  await using target = await hook();
  const { log, lines } = recorder();
  const alerts = startAlerts({ webhook: target.url, clock: new ManualClock(), log });
  alerts.raise(alert("store.sick"));
  for (let i = 0; i < 5000; i++) alerts.raise({ ...alert("primary.down"), subject: `mail${i}.example:25` });
  alerts.raise(alert("quarantine.unread"));
  await waitFor(WAIT, () => target.bodies.some((body) => body.includes("quarantine.unread")));
  assert.deepEqual(lines, []);
  assert.equal(target.bodies.length, 22);
  assert.match(target.bodies[0] ?? "", /"store\.sick"/);
  await alerts.stop();
});

/** A program that writes its arguments and its input to a file. */
function program(folder: string, body: string): string {
  const file = join(folder, "alert program");
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o700);
  return file;
}

test("a command gets the JSON on its standard input and its arguments unchanged, without a shell", async () => {
  await using folder = await tempFolder();
  const out = join(folder.path, "out");
  const file = program(
    folder.path,
    `{ printf '%s\\n' "$1" "$2"; cat; } > "${out}.part" && mv "${out}.part" "${out}"`,
  );
  const hostile = "$(touch gone); `id` | x";
  const command = [file, "two words", hostile];
  const alerts = startAlerts({ command, clock: new ManualClock(), log: SILENT });
  alerts.raise(alert("primary.down", 'quote " and $HOME'));
  const text = await waitFor(WAIT, () => readIfThere(out));
  const [first, second, json] = text.split("\n");
  assert.deepEqual([first, second], ["two words", hostile]);
  assert.equal((JSON.parse(json ?? "") as Alert).text, 'quote " and $HOME');
  await alerts.stop();
});

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

test("a command that does not read its input succeeds, however long the input is", async () => {
  await using folder = await tempFolder();
  const out = join(folder.path, "out");
  const { log, lines } = recorder();
  const file = program(folder.path, `echo >> "${out}"`);
  const alerts = startAlerts({ command: [file], clock: new ManualClock(), log });
  for (const name of ["queue.oldest", "queue.expiring"]) alerts.raise(alert(name, "x".repeat(1_000_000)));
  await waitFor(WAIT, () => existsSync(out) && readFileSync(out, "utf8") === "\n\n");
  await alerts.stop();
  await idle();
  assert.deepEqual(lines, []);
});

test("commands run one at a time; a failed one is logged", async () => {
  await using folder = await tempFolder();
  const out = join(folder.path, "out");
  const file = program(folder.path, `echo begin >> "${out}"; cat > /dev/null; echo end >> "${out}"; exit 3`);
  const { log, lines } = recorder();
  const alerts = startAlerts({ command: [file], clock: new ManualClock(), log });
  alerts.raise(alert("queue.oldest"));
  alerts.raise(alert("queue.expiring"));
  await waitFor(WAIT, () => lines.length === 2);
  assert.equal(readFileSync(out, "utf8"), "begin\nend\nbegin\nend\n");
  assert.deepEqual(lines, ["alert not sent: it ended with code 3", "alert not sent: it ended with code 3"]);
  await alerts.stop();
});

test("a command that hangs is killed after 30 s; a missing command is logged", async () => {
  await using folder = await tempFolder();
  const clock = new ManualClock();
  const { log, lines } = recorder();
  const alerts = startAlerts({ command: [program(folder.path, "exec sleep 600")], clock, log });
  alerts.raise(alert("queue.oldest"));
  clock.advance(30_000);
  await waitFor(WAIT, () => lines.length === 1);
  assert.match(lines[0] ?? "", /ended by SIGKILL/);
  await alerts.stop();
  const missing = startAlerts({ command: [join(folder.path, "nothing")], clock, log });
  missing.raise(alert("queue.oldest"));
  await waitFor(WAIT, () => lines.length === 2);
  assert.match(lines[1] ?? "", /ENOENT/);
  await missing.stop();
});

/** Tells why a command does not run where all descriptors are in use. */
const WITHOUT_DESCRIPTORS = `
  import { closeSync, openSync } from "node:fs";
  import { command } from ${JSON.stringify(new URL("../../../../src/adapters/alerts/channels.ts", import.meta.url).href)};
  const files = [];
  try {
    for (;;) files.push(openSync("/dev/null"));
  } catch {}
  const message = { alert: "store.full", subject: "store", text: "full", at: "", facts: {} };
  const told = await command(["/bin/true"], { after: () => ({ cancel() {} }) })(message).catch((error) => error.message);
  for (const file of files) closeSync(file);
  process.stdout.write(String(told));
`;

test("a command that cannot be started for lack of descriptors is logged with that cause", () => {
  const node = [process.execPath, "--input-type=module", "-e", WITHOUT_DESCRIPTORS];
  const { stdout } = spawnSync("sh", ["-c", 'ulimit -n 64; exec "$@"', "sh", ...node], { encoding: "utf8" });
  assert.equal(stdout, "spawn /bin/true EMFILE");
});
