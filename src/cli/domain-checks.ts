/** A domain's own checks: `--check NAME=WHAT`, and how they are shown. */
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
  help: "such as helo=defer or greylist=on; default: as for all domains; may be repeated",
};

/**
 * Returns the present checks with the given changes: `on` leaves a check that is on as it is, `default` removes one.
 * Returns null if none is left. The daemon checks the values.
 */
export function checksOf(given: readonly string[], present: object = {}): Checks | null {
  const checks = new Map<string, unknown>(Object.entries(present));
  for (const [name, what] of given.map(nameAndWhat)) {
    const isOn = typeof checks.get(name) === "object";
    if (what === "default") checks.delete(name);
    else if (what !== "on") checks.set(name, what);
    else if (!isOn) checks.set(name, {});
  }
  return checks.size === 0 ? null : (Object.fromEntries(checks) as Checks);
}

function nameAndWhat(text: string): readonly [name: string, what: string] {
  const [, name = "", what = ""] = /^(\w+)=(\w+)$/.exec(text) ?? [];
  if (NAMES.includes(name)) return [name, what];
  throw new WrongUse(`--check takes NAME=WHAT with one of ${NAMES.join(", ")}; not ${text}`);
}

/** Writes checks as `greylist on, helo defer`. */
export function checksText(checks: object): string {
  const words = Object.entries(checks).map(
    ([name, what]) => `${name} ${typeof what === "string" ? what : "on"}`,
  );
  return words.length === 0 ? "as for all domains" : words.join(", ");
}
