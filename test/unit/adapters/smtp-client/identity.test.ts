import assert from "node:assert/strict";
import { test } from "node:test";
import { sameClient } from "../../../../src/adapters/smtp-client/identity.ts";
import { claimedMail } from "../../../support/claimed-mail.ts";

const CLIENT = { ip: "192.0.2.7", helo: "client.test", name: "client.test" };

test("one XCLIENT is valid for mails with the same address, HELO, name and protocol only", () => {
  const mail = claimedMail({ client: CLIENT });
  assert.ok(sameClient(mail, claimedMail({ client: CLIENT, id: "m2" })));
  for (const change of [{ ip: "192.0.2.8" }, { helo: "other.test" }, { name: "other.test" }])
    assert.ok(!sameClient(mail, claimedMail({ client: { ...CLIENT, ...change } })), JSON.stringify(change));
  const old = claimedMail({ client: CLIENT, topFields: "Received: from x by y with SMTP id z\r\n" });
  assert.ok(!sameClient(mail, old));
});
