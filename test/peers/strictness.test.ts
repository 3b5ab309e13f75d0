/** The door beside a real Postfix: what the one takes and the other does not, of the many ways to write MAIL and RCPT. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../support/free-port.ts";
import { openSmtp } from "../support/raw-smtp.ts";
import { startBench } from "../support/smtp-bench.ts";
import { NO_LIMITS } from "../support/smtp-settings.ts";
import { skipWithout } from "./peers.ts";
import { Postfix, primarySettings } from "./postfix.ts";

const LONG = "x".repeat(200);
const PATIENT = [
  "smtpd_error_sleep_time = 0",
  "smtpd_hard_error_limit = 1000",
  "smtpd_soft_error_limit = 1000",
];

/** What both take, or neither does. */
const ALIKE = [
  "<a@b.example>",
  " <a@b.example>",
  "<a@b.example>  SIZE=10",
  "<a@b.example> size=10",
  "<>",
  "<a@b>",

  "<a@b.example> BODY=8bitmime",
  "<a@b.example> RET=HDRS ENVID=abc",
  "<a@b.example.>",
  "<a_b@b_c.example>",

  '<"a b"@b.example>',
  '<"a\\"b"@b.example>',
  '<""@b.example>',
  "<a@[192.0.2.1]>",
  "<a@[IPv6:2001:db8::1]>",
  "<@x.example:a@b.example>",
  "<a!b@b.example>",
  "<a%b@b.example>",
  "<a'b/c=d+e@b.example>",

  "<a..b@b.example>",
  "<.a@b.example>",
  "<a.@b.example>",
  `<${LONG}@b.example>`,
  "<é@b.example> SMTPUTF8",
  "",
  "<a@b.example> FOO",
  "<a@b.example> BODY=BINARYMIME",
  "<a@b.example> SIZE=-1",
  "<a b@b.example>",

  "<a@b.example>SIZE=10",
  "<a@b.example",
  "<a@b..example>",
  "<a@-b.example>",
  "<a@b.example>,<c@d.example>",
].map((sender) => `MAIL FROM:${sender}`);

/** What only Postfix takes: no address of RFC 5321, or what was not offered. */
const STRICTER = [
  "a@b.example",
  "<a>",
  "<<a@b.example>>",
  "<a@b.example (comment)>",
  "<a:b@b.example>",
  "<é@b.example>",
  "<a@b.example> AUTH=<>",
  "<a@b.example> SIZE=10 SIZE=20",
].map((sender) => `MAIL FROM:${sender}`);

/** Whom both take. */
const RECIPIENTS = [
  "<alice@our.test>",
  " <alice@OUR.test>",
  "<alice@our.test.>",
  '<"al ice"@our.test>',
  "<postmaster@our.test>",
  "<@x.example,@y.example:alice@our.test>",
  "<a..b@our.test>",
  "<.a@our.test>",
  `<${LONG}@our.test>`,
  "<alice@our.test> notify=success orcpt=rfc822;a+2Bb@our.test",
  "<alice@our.test> NOTIFY=NEVER",
].map((recipient) => `RCPT TO:${recipient}`);

/** Which of these lines are taken, each behind these. */
async function taken(port: number, before: readonly string[], lines: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const line of lines) {
    const smtp = await openSmtp(port);
    for (const command of before) await smtp?.command(command);
    if (((await smtp?.command(line))?.code ?? 500) < 400) found.push(line);
    smtp?.close();
  }
  return found;
}

test(
  "what Postfix takes is taken here, but for what is no address and what was not offered",
  { skip: skipWithout("postfix") },
  async () => {
    const settings = [...primarySettings("our.test"), ...PATIENT, "smtpd_client_connection_count_limit = 0"];
    await using postfix = await Postfix.start({ port: await freePort(), settings });
    const domains = [{ name: "our.test", settings: { catchAll: true } }];
    await using bench = await startBench({ limits: NO_LIMITS, domains });
    const compare = async (
      before: readonly string[],
      lines: readonly string[],
    ): Promise<readonly string[]> => {
      const [here, there] = [
        await taken(bench.port, before, lines),
        await taken(postfix.port, before, lines),
      ];
      assert.deepEqual(
        here.filter((line) => !there.includes(line)),
        [],
      );
      return there.filter((line) => !here.includes(line));
    };
    assert.deepEqual(await compare(["EHLO c.example"], [...ALIKE, ...STRICTER]), STRICTER);
    const before = ["EHLO c.example", "MAIL FROM:<a@b.example>"];
    assert.deepEqual(await compare(before, RECIPIENTS), []);
    assert.deepEqual(await taken(bench.port, before, RECIPIENTS), RECIPIENTS);
  },
);
