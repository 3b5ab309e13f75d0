/** The checks that a domain has of its own: `--check NAME=WHAT`, and how they are shown. */
import type { NewDomain } from "../endpoints/admin/contract.ts";
import { WrongUse, type Option } from "./command.ts";

type Checks = NonNullable<NewDomain["checks"]>;

const NAMES = [
  "dnsbl",
  "greylist",
  "reachability",
  "helo",
  "earlyTalker",
  "clientName",
  "senderDomain",
  "spf",
  "dkim",
  "dmarc",
];

export const CHECK_OPTION: Option = {
  name: "check",
  value: "NAME=WHAT",
  multiple: true,
  help: "such as helo=defer or greylist=on; may be repeated",
};

/** What is given in words; `on` means the defaults. The daemon judges the values. */
export function checksOf(given: readonly string[]): Checks | undefined {
  const pairs = given.map((text): readonly [string, unknown] => {
    const [, name = "", what = ""] = /^(\w+)=(\w+)$/.exec(text) ?? [];
    if (!NAMES.includes(name))
      throw new WrongUse(`--check takes NAME=WHAT with one of ${NAMES.join(", ")}; not ${text}`);
    return [name, what === "on" ? {} : what];
  });
  return pairs.length === 0 ? undefined : (Object.fromEntries(pairs) as Checks);
}

/** `greylist on, helo defer`. */
export function checksText(checks: object): string {
  const words = Object.entries(checks).map(
    ([name, what]) => `${name} ${typeof what === "string" ? what : "on"}`,
  );
  return words.length === 0 ? "as for all domains" : words.join(", ");
}
