/** What `trust-kit` prints, in real servers: the lines are taken, and do what is said of them. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { KITS } from "../../src/cli/trust-snippets.ts";
import { freePort } from "../support/free-port.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { skipWithoutOpensmtpd, startOpensmtpd } from "./opensmtpd.ts";
import { startRspamd } from "./rspamd.ts";
import { skipWithoutUnpacked } from "./unpacked.ts";

const DOMAIN = "example.test";
const ACTION = 'table users { "@" = "vmail" }\naction "local_mail" maildir "/tmp/kit" virtual <users>';

const opensmtpd = { skip: skipWithoutOpensmtpd() };
const rspamd = { skip: skipWithoutUnpacked("rspamd", "rspamd") };

test(
  "OpenSMTPD accepts the lines of the trust kit, and its filters skip this server only",
  opensmtpd,
  async () => {
    assert.equal(await greetingFor("127.0.0.1"), 220);
    assert.equal(await greetingFor("192.0.2.25"), 550);
  },
);

/** What a client at 127.0.0.1 is told where the lines are for a Holdfast at `address`. */
async function greetingFor(address: string): Promise<number | undefined> {
  const facts = { domain: DOMAIN, hostname: "mx2.example.net", addresses: [address, "2001:db8::25"] };
  const kit = KITS["opensmtpd"]?.({ ...facts, xclient: false }) ?? [];
  // 127.0.0.1 may have a name, so that it is judged by something else.
  const lines = kit.flatMap((part) => part.lines).map((line) => line.replace("!rdns", '!src "192.0.2.0/24"'));
  const port = await freePort();
  const settings = [ACTION, ...lines, `listen on 127.0.0.1 port ${port} filter clients`];
  await using server = await startOpensmtpd({ port: await freePort(), domain: DOMAIN, settings });
  assert.ok(server.port > 0);
  const client = new RawSmtp(connect(port, "127.0.0.1"));
  const greeting = await client.reply();
  client.close();
  return greeting?.code;
}

test("rspamd uses the client of our Received field instead of this server", rspamd, async () => {
  const facts = { domain: DOMAIN, hostname: "mx2.example.net", addresses: ["192.0.2.25"], xclient: false };
  const relay = KITS["rspamd"]?.(facts).find(({ file }) => file.includes("external_relay.conf"));
  // Debian 12 has rspamd 3.4, for which the lines in comments are.
  const lines = (relay?.lines ?? [])
    .filter((line) => !line.includes("ip_map"))
    .map((line) => line.replace(/# (?=(?:strategy|hostname_map) =)/, ""));
  const { process, address } = await startRspamd(`${lines.join("\n")}\n`);
  await using scanner = process;
  const body =
    "Received: from client.sender.example (client.sender.example [198.51.100.7])\r\n" +
    "\tby mx2.example.net (Holdfast) with ESMTP id x\r\n\tfor <alice@example.test>;\r\n" +
    "\tSun, 01 Mar 2026 03:00:00 +0000\r\nSubject: x\r\n\r\nbody\r\n";
  const headers = { IP: "192.0.2.25", Hostname: "mx2.example.net", Helo: "mx2.example.net" };
  const answer = await fetch(`http://${address}/checkv2`, { method: "POST", body, headers });
  assert.match(await answer.text(), /seen client\.sender\.example/, scanner.folder);
});
