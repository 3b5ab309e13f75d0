/**
 * Real mail programs send through the real daemon to a primary: what they sent arrives there octet for octet, over
 * TLS, with the extensions that each of them can use.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { mailNamed, type TestMail } from "../fixtures/mails.ts";
import { fakePrimary, type FakePrimary } from "../support/fake-primary.ts";
import { freePort } from "../support/free-port.ts";
import { asData, openSmtp, sendTestMail } from "../support/raw-smtp.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { makeCertificate } from "../support/test-certificate.ts";
import { waitFor } from "../support/wait.ts";
import { skipWithoutExim, startExim } from "./exim.ts";
import { skipWithoutOpensmtpd, startOpensmtpd } from "./opensmtpd.ts";
import { skipWithout } from "./peers.ts";
import { Postfix } from "./postfix.ts";
import { runSwaks, skipWithoutTls } from "./swaks.ts";

const DOMAIN = "example.test";
/** 8BITMIME, dots at the beginnings of lines, several blocks, long lines. */
const SENT = ["dkim-signed-eight-bit", "dot-lines", "attachment-of-100-kilobytes", "line-of-998"].map(
  mailNamed,
);
const SMTPUTF8 = mailNamed("utf8-addresses");

/** One daemon with a certificate before a primary that keeps what it gets serves all senders. */
const world = new AsyncDisposableStack();
let daemon: ResidentDaemon;
let primary: FakePrimary;

before(async () => {
  const folder = world.use(await tempFolder());
  const pair = await makeCertificate("mx2.holdfast.test");
  const tls = { certificate: join(folder.path, "chain.pem"), key: join(folder.path, "key.pem") };
  for (const part of ["certificate", "key"] as const) await writeFile(tls[part], pair[part]);
  primary = world.use(
    await fakePrimary({ extensions: ["PIPELINING", "SIZE 100000000", "8BITMIME", "SMTPUTF8", "DSN"] }),
  );
  const plan = { folder: folder.path, primaryPort: primary.port, domain: DOMAIN, smtp: { tls, threads: 1 } };
  daemon = world.use(await ResidentDaemon.start(plan));
});
after(() => world.disposeAsync());

/** Waits until the mails that `run` sends are at the primary as they were sent; answers our Received fields. */
async function through(mails: readonly TestMail[], run: () => Promise<void>): Promise<string[]> {
  const earlier = primary.mails.length;
  await run();
  const arrived = (): string[] => primary.mails.slice(earlier).map(({ data }) => data.toString("latin1"));
  await waitFor({ what: `${mails.length} mails at the primary`, deadline: 30_000 }, () => {
    return arrived().length >= mails.length;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${arrived().length} came\n${daemon.output().slice(-3000)}`);
  });
  for (const { name, body } of mails)
    assert.ok(
      arrived().some((data) => data.endsWith(body.toString("latin1"))),
      `${name} did not arrive as it was sent`,
    );
  assert.equal(arrived().length, mails.length);
  // Our own Received field is the first line.
  return arrived().map((data) => data.slice(0, data.search(/\r\n(?![ \t])/)).replace(/\r\n\s+/g, " "));
}

/** Gives the mails to a sender that passes them on, one after the other. */
async function submit(port: number, mails: readonly TestMail[]): Promise<void> {
  for (const mail of mails) {
    const recipients = mail === SMTPUTF8 ? ["юрий"] : ["alice"];
    const reply = await sendTestMail(port, { ...mail, recipients }, DOMAIN);
    assert.equal(reply.code, 250, reply.lines.join(" "));
  }
}

test("swaks sends over TLS and pipelined", { skip: skipWithoutTls() }, async () => {
  const sent = [mailNamed("dot-lines"), mailNamed("dkim-signed")];
  // Otherwise it adds a line to a body that ends with one.
  const options = [
    ["--tls", "--no-data-fixup"],
    ["--pipeline", "--no-data-fixup"],
  ];
  const fields = await through(sent, async () => {
    for (const [n, { body }] of sent.entries()) {
      const to = [`alice@${DOMAIN}`];
      const mail = { port: daemon.smtpPort, from: "ann@sender.example", to, content: asData(body) };
      const { exitCode, transcript } = await runSwaks({ ...mail, options: options[n] ?? [] });
      assert.equal(exitCode, 0, transcript);
    }
  });
  assert.equal(fields.filter((field) => / with ESMTPS /.test(field)).length, 1);
});

test(
  "Postfix relays to us over TLS, pipelined, with SMTPUTF8",
  { skip: skipWithout("postfix") },
  async () => {
    const sent = [...SENT, SMTPUTF8];
    const fields = await through(sent, async () => {
      const relay = [`relayhost = [127.0.0.1]:${daemon.smtpPort}`, "smtp_tls_security_level = encrypt"];
      const postfix = await Postfix.start({ port: await freePort(), settings: relay });
      try {
        await submit(postfix.port, sent);
        await waitFor(
          { what: "its queue is empty", deadline: 30_000 },
          async () => (await postfix.queued()) === 0,
        );
      } finally {
        await postfix[Symbol.asyncDispose]();
      }
    });
    assert.ok(
      fields.every((field) => / with (?:UTF8SMTPS|ESMTPS) .*TLSv1\.3/.test(field)),
      fields.join("\n"),
    );
    assert.equal(fields.filter((field) => field.includes(" with UTF8SMTPS ")).length, 1);
  },
);

test(
  "what a sender asks of notices goes through Postfix and us to the primary",
  { skip: skipWithout("postfix") },
  async () => {
    const earlier = primary.commands.length;
    const relay = [`relayhost = [127.0.0.1]:${daemon.smtpPort}`];
    await using postfix = await Postfix.start({ port: await freePort(), settings: relay });
    const smtp = await openSmtp(postfix.port);
    for (const line of [
      "EHLO client.holdfast.test",
      "MAIL FROM:<ann@sender.example> RET=HDRS ENVID=QQ314159",
      `RCPT TO:<alice@${DOMAIN}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;al+2Bice@${DOMAIN}`,
      "DATA",
    ])
      assert.ok(((await smtp?.command(line))?.code ?? 500) < 400, line);
    smtp?.write(asData(mailNamed("plain").body));
    assert.equal((await smtp?.reply())?.code, 250);
    smtp?.close();
    const asked = await waitFor({ what: "the mail's envelope at the primary", deadline: 30_000 }, () => {
      const lines = primary.commands.slice(earlier).filter((line) => /^(?:MAIL|RCPT) /.test(line));
      return lines.length >= 2 ? lines : undefined;
    });
    assert.match(asked[0] ?? "", / RET=HDRS ENVID=QQ314159\b/);
    assert.match(asked[1] ?? "", / NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;al\+2Bice@/);
  },
);

test("Exim relays to us over TLS in chunks, with SMTPUTF8", { skip: skipWithoutExim() }, async () => {
  const sent = [...SENT, SMTPUTF8];
  const fields = await through(sent, async () => {
    const plan = { port: await freePort(), domain: DOMAIN, relayPort: daemon.smtpPort };
    await using exim = await startExim({ ...plan, relayTls: "require" });
    await submit(exim.port, sent);
    await waitFor({ what: "Exim has sent all", deadline: 30_000 }, async () => {
      const lines = (await exim.log()).split("\n").filter((line) => line.includes("=> "));
      // K: it used CHUNKING.
      return lines.length >= sent.length && lines.every((line) => /X=TLS1\.3.* K .*C="250/.test(line));
    }).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await exim.log()}`);
    });
  });
  assert.ok(
    fields.every((field) => / with (?:UTF8SMTPS|ESMTPS) /.test(field)),
    fields.join("\n"),
  );
});

test("OpenSMTPD relays to us over TLS", { skip: skipWithoutOpensmtpd() }, async () => {
  const fields = await through(SENT, async () => {
    const plan = { port: await freePort(), domain: DOMAIN, relayPort: daemon.smtpPort };
    await using opensmtpd = await startOpensmtpd({ ...plan, relayTls: "require" });
    await submit(opensmtpd.port, SENT);
    await waitFor({ what: "OpenSMTPD has sent all", deadline: 30_000 }, async () => {
      const log = await opensmtpd.log();
      return [...log.matchAll(/result="Ok" stat="250/g)].length >= SENT.length;
    }).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await opensmtpd.log()}`);
    });
  });
  assert.ok(
    fields.every((field) => / with ESMTPS /.test(field)),
    fields.join("\n"),
  );
});
