/** Who brought a mail, as a real Postfix writes it into its log. */
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { smtpClient } from "../../src/adapters/smtp-client/smtp-client.ts";
import type { Identity } from "../../src/ports/directory.ts";
import type { ClaimedMail } from "../../src/ports/work-store.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { claimedMail } from "../support/claimed-mail.ts";
import { freePort } from "../support/free-port.ts";
import { targetAt } from "../support/primary-conversation.ts";
import { waitFor } from "../support/wait.ts";
import { skipWithout } from "./peers.ts";
import { Postfix, primarySettings } from "./postfix.ts";

const HAS_IPV6 = Object.values(networkInterfaces()).some((all = []) =>
  all.some(({ family }) => family === "IPv6"),
);
const DOMAIN = "example.test";
function mailFrom(ip: string): ClaimedMail {
  return claimedMail({
    id: "01k9zq3v5x0abcde",
    to: [`alice@${DOMAIN}`],
    client: { ip, helo: "helo.example", name: "client.example", port: 40_025, server: "192.0.2.25" },
  });
}

/** Its log after one mail of each client. */
async function logOf(
  identity: Identity,
  ips: readonly string[],
  settings: readonly string[],
): Promise<string> {
  await using postfix = await Postfix.start({
    port: await freePort(),
    settings: [...primarySettings(DOMAIN), ...settings],
  });
  const client = smtpClient({ hostname: "mx2.test", clock: systemClock() });
  const target = targetAt(postfix.port, { identity });
  let conversation = await client.converse(target);
  for (const ip of ips) {
    if (!conversation.takes(mailFrom(ip))) {
      await conversation.quit();
      conversation = await client.converse(target);
    }
    const { outcomes } = await conversation.send(mailFrom(ip));
    assert.equal(outcomes.get(10)?.kind, "delivered", JSON.stringify([...outcomes]));
  }
  await conversation.quit();
  const told = (log: string): boolean => (log.match(/ client=/g) ?? []).length >= ips.length;
  return waitFor({ what: "the log names the clients", deadline: 10_000 }, async () => {
    const log = await postfix.log();
    return told(log) && log;
  });
}

test("XFORWARD: Postfix logs the original client", { skip: skipWithout("postfix") }, async () => {
  const log = await logOf(
    "headers",
    ["192.0.2.7", "2001:db8::7"],
    ["smtpd_authorized_xforward_hosts = 127.0.0.1", "inet_protocols = all"],
  );
  assert.match(log, /orig_client=client\.example\[192\.0\.2\.7\]/);
  // Postfix takes IPv6 addresses only on a machine that has some.
  if (HAS_IPV6) assert.match(log, /orig_client=client\.example\[2001:db8::7\]/);
});

test(
  "XCLIENT: Postfix treats the original client as the client",
  { skip: skipWithout("postfix") },
  async () => {
    const log = await logOf(
      "xclient",
      ["192.0.2.7", "192.0.2.7", "198.51.100.8"],
      ["smtpd_authorized_xclient_hosts = 127.0.0.1"],
    );
    assert.equal((log.match(/ client=client\.example\[192\.0\.2\.7\]/g) ?? []).length, 2);
    assert.match(log, / client=client\.example\[198\.51\.100\.8\]/);
  },
);
