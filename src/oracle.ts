/** Answers `recipients check`: what a client would be told at RCPT, and where that comes from. */
import { parseAddress, type Address } from "./mail/address.ts";
import type { RecipientOracle } from "./endpoints/admin/admin.ts";
import type { DomainRecord } from "./ports/directory.ts";
import type { Directory } from "./services/directory/directory.ts";
import { Recipients } from "./services/recipients/recipients.ts";

/** What the check of recipients replies at RCPT. */
const NO_SUCH = "550 5.1.1 No such mailbox here";

type Answer = Awaited<ReturnType<RecipientOracle["check"]>>;

export function recipientOracle(directory: Directory): RecipientOracle {
  const recipients = new Recipients(directory);
  return { check: async (text) => ({ address: text, ...answer(text, directory, recipients) }) };
}

function answer(text: string, directory: Directory, recipients: Recipients): Omit<Answer, "address"> {
  const address = parseAddress(text);
  if (address === undefined) return { answer: "reject", why: "this is not an address" };
  const record = directory.domain(address.domain, directory.generation());
  if (record === undefined) return { answer: "reject", why: `${address.domain} is not one of our domains` };
  if (record.draining)
    return { answer: "defer", why: `${address.domain} was removed and hands over what it holds` };
  const found = recipients.find(record, address);
  switch (found.kind) {
    case "known":
      return { answer: "accept", why: knownText(found.pattern, address, record), origin: found.origin };
    case "postmaster":
      return { answer: "accept", why: "postmaster is always valid", origin: "always" };
    case "catchAll":
      return { answer: "accept", why: "the domain takes every recipient", origin: "catch-all" };
    case "unknown":
      return { answer: "reject", why: "not in the lists of the domain", reply: NO_SUCH };
  }
}

function knownText(pattern: string, { local }: Address, { settings }: DomainRecord): string {
  const where = `\`${pattern}\` in the list`;
  const { tagSeparator } = settings;
  const at = tagSeparator === "" ? -1 : local.indexOf(tagSeparator, 1);
  const whole = pattern === local || (pattern.endsWith("*") && local.startsWith(pattern.slice(0, -1)));
  return at === -1 || whole
    ? `matches ${where}`
    : `without its tag \`${local.slice(at)}\` it matches ${where}`;
}
