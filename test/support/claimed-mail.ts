/** Claimed mail as the store hands it over; what a test does not name is ordinary. */
import type { BodySource } from "../../src/ports/stored-body.ts";
import type { ClaimedMail, ClaimedRecipient } from "../../src/ports/work-store.ts";
import { bodySource } from "./body-source.ts";

export const TOP_FIELDS = "Received: from client.test by mx2.test\r\n";

interface MailChange extends Partial<Omit<ClaimedMail, "recipients" | "body">> {
  readonly to?: readonly (string | Partial<ClaimedRecipient>)[];
  readonly body?: Buffer | (() => BodySource);
}

export function claimedMail({ to = ["user@a.test"], body = SHORT, ...rest }: MailChange = {}): ClaimedMail {
  const size = rest.size ?? (Buffer.isBuffer(body) ? body.length : 0);
  return {
    id: "m1",
    token: 1,
    domain: "a.test",
    sender: "sender@elsewhere.test",
    recipients: to.map(recipient),
    acceptedAt: 0,
    client: { ip: "192.0.2.1", helo: "client.test" },
    topFields: TOP_FIELDS,
    smtpUtf8: false,
    eightBit: false,
    ...rest,
    size,
    body: { size, read: () => (Buffer.isBuffer(body) ? body : body()), digest: () => undefined },
  };
}

/** One of several: its name stands in its sender, its recipient and its subject. */
export function namedMail(id: string, change: MailChange = {}): ClaimedMail {
  const body = Buffer.from(`Subject: ${id}\r\n\r\n.dot\r\n`);
  return claimedMail({ id, sender: `from-${id}@elsewhere.test`, to: [`${id}@a.test`], body, ...change });
}

/** The same mail, its body read piece by piece as a large one is. */
export function inPieces(mail: ClaimedMail): ClaimedMail {
  const read = (): BodySource => {
    const octets = mail.body.read() as Buffer;
    return bodySource([octets.subarray(0, 7), octets.subarray(7)]);
  };
  return { ...mail, body: { size: mail.size, read, digest: () => undefined } };
}

const SHORT = Buffer.from("Subject: x\r\n\r\nhi\r\n");

/** `n` is a key and not a place in the list, which shows when it does not begin at 0. */
function recipient(to: string | Partial<ClaimedRecipient>, place: number): ClaimedRecipient {
  const named = typeof to === "string" ? { address: to } : to;
  return { n: place + 10, address: "user@a.test", attempts: 0, unconfirmed: 0, ...named };
}
