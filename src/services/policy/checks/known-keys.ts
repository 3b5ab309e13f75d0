import { createHash } from "node:crypto";
import { mailboxKey } from "../../../mail/address.ts";
import type { RcptSubject } from "../check.ts";

/** The name under which something is remembered: of fixed length, whatever a stranger sends. */
export function keyOf(...parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("base64url").slice(0, 24);
}

/** Who writes to whom, however they are spelled: the parts of a key that stay when one mail comes again. */
export function letterOf({ sender, recipient }: RcptSubject): readonly string[] {
  return [sender.toLowerCase(), mailboxKey(recipient)];
}

/** The domain of a return-path in lower case; empty for the null sender. */
export function senderDomainOf(sender: string): string {
  return sender.slice(sender.lastIndexOf("@") + 1).toLowerCase();
}

/**
 * About what is registered under a public suffix: two labels, three below suffixes such as `co.uk`. Where it is too
 * wide, somebody who came again is let in a little sooner.
 */
export function organisationOf(name: string): string {
  const labels = name.toLowerCase().split(".");
  const [second = "", top = ""] = labels.slice(-2);
  const wide = top.length === 2 && second.length <= 3;
  return labels.slice(wide ? -3 : -2).join(".");
}
