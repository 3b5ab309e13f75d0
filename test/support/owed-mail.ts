/** A mail whose sender is to hear something, as tests need it. */
import type { Authentication } from "../../src/ports/authentication.ts";
import type { OwedMail, OwedRecipient } from "../../src/ports/dsn.ts";

export const PROVEN: Authentication = {
  spf: { result: "pass", domain: "friend.test", identity: "mailfrom" },
  returnPath: true,
};

const BODY = Buffer.from("Subject: hello\r\nFrom: ann@friend.test\r\n\r\nthe text\r\n");

export function owedMail(changes: Partial<OwedMail> = {}): OwedMail {
  return {
    id: "m1",
    sender: "ann@friend.test",
    acceptedAt: Date.UTC(2026, 0, 1, 12),
    client: { ip: "192.0.2.1", helo: "mail.friend.test" },
    topFields: "Received: by mx2.test\r\n",
    smtpUtf8: false,
    messageId: "<1@friend.test>",
    traits: [],
    authentication: PROVEN,
    recipients: [owedTo()],
    noticesToSender: 0,
    body: { size: BODY.length, read: () => BODY, digest: () => undefined },
    ...changes,
  };
}

export function owedTo(changes: Partial<OwedRecipient> = {}): OwedRecipient {
  return {
    n: 0,
    address: "bob@one.test",
    domain: "one.test",
    kind: "failed",
    lastReply: "550 5.1.1 No such user",
    destination: "mail.one.test:25",
    at: Date.UTC(2026, 0, 1, 13),
    ...changes,
  };
}
