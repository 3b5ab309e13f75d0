/**
 * Plays a dialogue script against the real SMTP side on loopback.
 *
 *   # text            a remark; the first one is the test's name
 *   SETTINGS {json}   what the endpoint is started with; see ScriptSettings
 *   STORE full        what the store says from here on: ok, full, sick
 *   C: text           the client sends the line and CRLF
 *   RAW: text         the client sends the text without CRLF; \r \n \t \0 \\ \xHH are octets, {a*300} repeats
 *   S: 250 pattern    one line of a reply; * stands for any text, `250-*` for any number of such lines
 *   TLS               the client shakes hands; `TLS smtp,x` names application protocols, `TLS x refused` fails
 *   CLOSED            the server has closed the connection
 *   OPEN              a new connection; the first one is opened by itself
 *   STORED: from -> to, to        the next mail in the store; `STORED: nothing`
 *   BODY: text        body of the mail last named, escapes as in RAW
 *   DSN: text         what was asked of notices for that mail, as `RET=.. ENVID=.. / NOTIFY=.. ORCPT=.. / ..`
 *   TOP: pattern      a line of the fields that we put on top of that mail
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { once } from "node:events";
import type { PrimaryOffers } from "../../src/ports/health.ts";
import { replyLineFault } from "../support/enhanced-codes.ts";
import { fakeDns, type Zones } from "../support/fake-dns.ts";
import { RawSmtp, type RawReply } from "../support/raw-smtp.ts";
import { startBench, type Bench, type BenchOptions, type StoredMail } from "../support/smtp-bench.ts";
import { testMaterial } from "../support/test-certificate.ts";
import { waitFor } from "../support/wait.ts";

interface ScriptSettings extends Pick<BenchOptions, "settings" | "limits" | "domains" | "checkSettings"> {
  /** What the DNS says, in place of nothing. */
  readonly dns?: Zones;
  /** Offer STARTTLS, or speak TLS at once. */
  readonly tls?: "starttls" | "implicit";
  /** What primaries of a domain can take. */
  readonly offers?: Readonly<Record<string, PrimaryOffers>>;
  /** Bytes that the store has room for. */
  readonly room?: number;
}

interface Script {
  readonly title: string;
  readonly settings: ScriptSettings;
  readonly steps: readonly Step[];
}

interface Step {
  readonly verb: string;
  readonly text: string;
  readonly line: number;
}

const VERB = /^(C:|RAW:|S:|TLS|CLOSED|OPEN|STORE|STORED:|BODY:|DSN:|TOP:|SETTINGS)(?: (.*))?$/;

export async function readScript(file: string): Promise<Script> {
  const lines = (await readFile(file, "utf8")).split("\n");
  const steps: Step[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.startsWith("#") || line.trim() === "") continue;
    const match = VERB.exec(line);
    assert.ok(match?.[1] !== undefined, `${file}:${index + 1}: not a step: ${line}`);
    steps.push({ verb: match[1], text: match[2] ?? "", line: index + 1 });
  }
  const settings = steps.find((step) => step.verb === "SETTINGS")?.text ?? "{}";
  return {
    title: (lines[0] ?? "").replace(/^# */, ""),
    settings: JSON.parse(settings) as ScriptSettings,
    steps: steps.filter((step) => step.verb !== "SETTINGS"),
  };
}

export async function playScript(script: Script): Promise<void> {
  await using dns = await fakeDns({ ...script.settings.dns });
  await using bench = await openBench(script.settings, dns.server);
  const player = new Player(bench, script.settings.tls === "implicit");
  try {
    await player.open();
    for (const [index, step] of script.steps.entries()) await player.step(step, script.steps[index + 1]);
  } finally {
    player.close();
  }
  assert.deepEqual(bench.errors, []);
}

async function openBench(script: ScriptSettings, dnsServer: string): Promise<Bench> {
  const { tls, room, offers, settings, limits, domains, checkSettings } = script;
  const bench = await startBench({
    dnsServer,
    ...(domains !== undefined && { domains }),
    ...(checkSettings !== undefined && { checkSettings }),
    ...(limits !== undefined && { limits }),
    settings: {
      ...settings,
      ...(tls !== undefined && {
        tls: await testMaterial(),
        listeners: settings?.listeners ?? [{ address: "127.0.0.1", port: 0, tls }],
      }),
    },
  });
  if (room !== undefined) bench.intake.free = room;
  if (offers !== undefined) bench.endpoint.learned(Object.entries(offers));
  return bench;
}

class Player {
  readonly #bench: Bench;
  readonly #implicit: boolean;
  #smtp: RawSmtp | undefined;
  #expected: string[] = [];
  #stored = 0;
  #mail: StoredMail | undefined;

  constructor(bench: Bench, implicit: boolean) {
    this.#bench = bench;
    this.#implicit = implicit;
  }

  async open(): Promise<void> {
    const { port } = this.#bench;
    const socket = this.#implicit
      ? connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false })
      : connect(port, "127.0.0.1");
    this.#smtp = new RawSmtp(socket);
    await Promise.resolve();
  }

  close(): void {
    this.#smtp?.close();
  }

  async step(step: Step, next: Step | undefined): Promise<void> {
    try {
      await this.#do(step, next);
    } catch (error) {
      throw new Error(`line ${step.line}: ${step.verb} ${step.text}\n${String(error)}`, { cause: error });
    }
  }

  async #do({ verb, text }: Step, next: Step | undefined): Promise<void> {
    const smtp = this.#smtp;
    assert.ok(smtp);
    if (verb === "C:") smtp.write(`${text}\r\n`);
    else if (verb === "RAW:") smtp.write(octets(text));
    else if (verb === "S:") await this.#expect(smtp, { text, next });
    else if (verb === "TLS") this.#smtp = await shakeHands(smtp, text);
    else if (verb === "CLOSED") assert.equal(await inTime(smtp.reply()), undefined);
    else if (verb === "OPEN") await this.open();
    else if (verb === "STORE") this.#bench.intake.state = text as "ok";
    else if (verb === "STORED:") this.#checkStored(text);
    else if (verb === "BODY:")
      assert.equal(this.#mail?.body.toString("latin1"), octets(text).toString("latin1"));
    else if (verb === "DSN:") assert.equal(this.#mail && wishes(this.#mail), text);
    else if (verb === "TOP:")
      assert.ok(
        this.#mail?.topFields.split("\r\n").some((line) => fits(text, line)),
        this.#mail?.topFields,
      );
  }

  /** Collects the patterns of one reply, then compares. */
  async #expect(smtp: RawSmtp, { text, next }: { text: string; next: Step | undefined }): Promise<void> {
    this.#expected.push(text);
    if (/^\d{3}-/.test(text)) return assert.equal(next?.verb, "S:", "a reply must have a last line");
    const patterns = this.#expected;
    this.#expected = [];
    const reply = await inTime(smtp.reply());
    assert.ok(reply !== undefined, "the connection was closed");
    assert.ok(replyFits(patterns, reply.lines), `got ${JSON.stringify(reply.lines)}`);
    assert.ok(reply.lines.every(isSound), `unsound: ${JSON.stringify(reply.lines)}`);
    for (const line of reply.lines) assert.equal(replyLineFault(line), undefined);
  }

  #checkStored(text: string): void {
    const mails = this.#bench.intake.mails;
    if (text === "nothing") return assert.equal(mails.length, this.#stored);
    this.#mail = mails[this.#stored++];
    assert.ok(this.#mail, "no such mail is stored");
    const recipients = this.#mail.recipients.map((recipient) => recipient.address).join(", ");
    assert.equal(`${this.#mail.sender} -> ${recipients}`, text);
  }
}

/** What was asked for the mail, then for each recipient. */
function wishes({ dsn = {}, recipients }: StoredMail): string {
  const each = recipients.map(({ notify, orcpt }) => pairs({ NOTIFY: notify, ORCPT: orcpt }));
  return [pairs({ RET: dsn.ret, ENVID: dsn.envid }), ...each].join(" / ");
}

function pairs(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return given.length === 0 ? "-" : given.map(([name, value]) => `${name}=${value}`).join(" ");
}

function replyFits(patterns: readonly string[], lines: readonly string[]): boolean {
  const [pattern, ...others] = patterns;
  if (pattern === undefined) return lines.length === 0;
  const [line, ...rest] = lines;
  if (/^\d{3}-\*$/.test(pattern)) {
    if (line !== undefined && line.startsWith(pattern.slice(0, 4)) && replyFits(patterns, rest)) return true;
    return replyFits(others, lines);
  }
  return line !== undefined && fits(pattern, line) && replyFits(others, rest);
}

/** RFC 2034 §4: an enhanced code of the reply's class; greeting, HELO, EHLO and 354 have none. */
function isSound(line: string): boolean {
  return /^(?:([245])\d\d \1\.\d{1,3}\.\d{1,3} |220 \S+ ESMTP |250[- ](?!\d\.)|354 )/.test(line);
}

function fits(pattern: string, line: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(line);
}

/** Text with escapes as octets. */
function octets(text: string): Buffer {
  const repeated = text.replace(/\{(.)\*(\d+)\}/g, (_all, char: string, times: string) =>
    char.repeat(Number(times)),
  );
  const bytes = Buffer.from(repeated, "utf8").toString("latin1");
  const named: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t", 0: "\0", "\\": "\\" };
  const plain = bytes.replace(/\\(?:x([0-9a-fA-F]{2})|([rnt0\\]))/g, (_all, hex?: string, name?: string) =>
    hex === undefined ? (named[name ?? ""] ?? "") : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(plain, "latin1");
}

async function shakeHands(smtp: RawSmtp, text: string): Promise<RawSmtp> {
  const [names = "", outcome] = text.split(" ");
  smtp.socket.removeAllListeners("data");
  const ALPNProtocols = names === "" ? [] : names.split(",");
  const secure: TLSSocket = connectTls({ socket: smtp.socket, rejectUnauthorized: false, ALPNProtocols });
  const shaken = once(secure, "secureConnect");
  if (outcome === "refused") await assert.rejects(shaken, /no application protocol/i);
  else await shaken;
  return outcome === "refused" ? smtp : new RawSmtp(secure);
}

async function inTime(reply: Promise<RawReply | undefined>): Promise<RawReply | undefined> {
  let done: { readonly reply: RawReply | undefined } | undefined;
  void reply.then((value) => (done = { reply: value }));
  return (await waitFor({ what: "a reply", deadline: 20_000, every: 2 }, () => done)).reply;
}
