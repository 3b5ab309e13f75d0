import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Accepted, BodyWriter, Intake, NewMail } from "../../src/ports/intake.ts";
import type { ClaimedMail, Settlement, SettleRequest, WorkStore } from "../../src/ports/work-store.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { readWhole } from "../support/body-source.ts";
import { domainSettings } from "../support/domain-settings.ts";
import type { Outcome } from "../../src/mail/outcome.ts";
import { idSource } from "../../src/runtime/ids.ts";

const nextId = idSource(() => Date.UTC(2026, 0, 1));

/** A mail to `a@one.test` with the given changes. */
export function newMail(now: number, changes: Partial<NewMail> = {}): NewMail {
  return {
    id: nextId(),
    acceptedAt: now,
    sender: "sender@example.org",
    recipients: to("a@one.test"),
    client: { ip: "192.0.2.1", helo: "client.example.org", port: 40_000, server: "192.0.2.25" },
    topFields: "Received: by mx2.example.net\r\n",
    smtpUtf8: false,
    eightBit: false,
    deadline: now + 20_000,
    ...changes,
  };
}

export function to(...addresses: string[]): NewMail["recipients"] {
  return addresses.map((address) => ({ address, domain: address.slice(address.lastIndexOf("@") + 1) }));
}

/** Opens a body and writes the content in chunks; waits whenever the body asks for a pause. */
export async function fillBody(
  intake: Intake,
  content: Buffer | string,
  chunk = 16_384,
): Promise<BodyWriter> {
  const body = intake.openBody();
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.length; at += chunk) {
    const lent = Buffer.from(bytes.subarray(at, at + chunk));
    const wait = body.write(lent);
    lent.fill(0);
    await wait;
  }
  return body;
}

export async function accept(
  intake: Intake,
  mail: NewMail,
  content: Buffer | string = "body",
): Promise<Accepted> {
  return intake.accept(mail, await fillBody(intake, content));
}

export function sha256(content: Buffer | string): string {
  return createHash("sha256").update(content).digest("hex");
}

export async function bodyOf(mail: Pick<ClaimedMail, "body">): Promise<Buffer> {
  const content = mail.body.read();
  return Buffer.isBuffer(content) ? content : readWhole(content);
}

export const DELIVERED: Outcome = {
  kind: "delivered",
  reply: { code: 250, enhanced: "2.0.0", text: "taken" },
};
export const REFUSED: Outcome = {
  kind: "refused",
  reply: { code: 550, enhanced: "5.1.1", text: "no such user" },
};
export const DEFERRED: Outcome = { kind: "deferred", reply: { code: 451, text: "later" } };
export const RELEASED: Outcome = { kind: "released" };
export const UNCONFIRMED: Outcome = { kind: "unconfirmed", why: "connection lost" };

/** The oldest mail that is due for the domain. */
export async function claimOne(
  { work, clock }: { readonly work: Pick<WorkStore, "claim">; readonly clock: Pick<Clock, "now"> },
  domain = "one.test",
): Promise<ClaimedMail> {
  const [mail] = await work.claim({ domain, limit: 1, now: clock.now() });
  return mail ?? assert.fail(`nothing is due for ${domain}`);
}

/** A request that settles all recipients of a claim in the same way. */
export function settlement(
  mail: ClaimedMail,
  to: Pick<Settlement, "state" | "outcome" | "reason" | "dueAt">,
  now: number,
): SettleRequest {
  const recipients = mail.recipients.map(({ n }) => ({ n, ...to }));
  return { id: mail.id, token: mail.token, recipients, destination: "192.0.2.9:25", now };
}

export const SETTINGS = domainSettings({
  host: "mail.one.test",
  port: 25,
  tls: "opportunistic",
  preference: 10,
});
