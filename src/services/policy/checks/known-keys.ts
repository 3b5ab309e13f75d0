import { createHash } from "node:crypto";
import { mailboxKey } from "../../../mail/address.ts";
import type { RcptSubject } from "../check.ts";

/** The key under which something is remembered. Its length is fixed, whatever clients send. */
export function keyOf(...parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("base64url").slice(0, 24);
}

/** The sender and recipient in one spelling: the parts of a key that stay the same when a mail is retried. */
export function letterOf({ sender, recipient }: RcptSubject): readonly string[] {
  return [sender.toLowerCase(), mailboxKey(recipient)];
}

/** The domain of a return-path in lower case; empty for the null sender. */
export function senderDomainOf(sender: string): string {
  return sender.slice(sender.lastIndexOf("@") + 1).toLowerCase();
}

/**
 * Approximately the registered domain of a host name: two labels, three under suffixes such as `co.uk`. If the result
 * is too short, unrelated hosts share it, and a host may be admitted a little too early.
 */
export function organisationOf(name: string): string {
  const labels = name.toLowerCase().split(".");
  const [second = "", top = ""] = labels.slice(-2);
  const wide = top.length === 2 && second.length <= 3;
  return labels.slice(wide ? -3 : -2).join(".");
}
