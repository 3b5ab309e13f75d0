/** Answers `recipients check`: what a client would be told at RCPT, and where that comes from. */
import { parseAddress } from "./mail/address.ts";
import type { RecipientOracle } from "./endpoints/admin/admin.ts";
import type { Directory } from "./services/directory/directory.ts";
import { Recipients } from "./services/recipients/recipients.ts";

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
      return { answer: "accept", why: `matches \`${found.pattern}\` in the list`, origin: found.origin };
    case "postmaster":
      return { answer: "accept", why: "postmaster is always valid", origin: "always" };
    case "catchAll":
      return { answer: "accept", why: "the domain takes every recipient", origin: "catch-all" };
    case "unknown":
      return { answer: "reject", why: "not in the lists of the domain" };
  }
}
