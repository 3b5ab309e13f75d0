/** What `trust-kit` prints for OpenSMTPD, in a real one: it is taken, and lets this server past the filters. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { KITS } from "../../src/cli/trust-snippets.ts";
import { freePort } from "../support/free-port.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { skipWithoutOpensmtpd, startOpensmtpd } from "./opensmtpd.ts";

const DOMAIN = "example.test";
const ACTION = 'table users { "@" = "vmail" }\naction "local_mail" maildir "/tmp/kit" virtual <users>';

const skip = skipWithoutOpensmtpd();

test("OpenSMTPD takes the lines, and its filters judge others than this server", { skip }, async () => {
  assert.equal(await greetingFor("127.0.0.1"), 220);
  assert.equal(await greetingFor("192.0.2.25"), 550);
});

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
