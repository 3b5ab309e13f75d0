import * as z from "zod";
import { access } from "./access-schema.ts";
import { dnsbl, domainDnsbl } from "./dnsbl-schema.ts";
import { described, notations } from "./notes.ts";
import { kindOf, message, section, words } from "./scalars.ts";
import type { MissingCheck } from "./shape.ts";

const CHECKS: Readonly<Record<MissingCheck, string>> = {
  greylist: "First delivery of an unknown client put off.",
  spf: "Whether the client may send for the domain of the return-path.",
  dmarc: "Whether the author's domain stands behind the mail.",
  reachability: "Whether the return-path can be written to.",
  spam: "Judgement of a spam scanner.",
  virus: "Judgement of a virus scanner.",
};

/** A check that is asked for and not there must be an error: who wrote it relies on it. */
function off(name: string, meaning: string) {
  const schema = z.unknown().transform((given, context): "off" => {
    if (given === "off" || given === "false") return "off";
    const wrong =
      typeof given === "string" && given !== "" ? `${given.slice(0, 40)} is asked for` : kindOf(given);
    const text = message(
      `${wrong}, and the check is not in this version`,
      `write ${name}: off or leave it out`,
    );
    context.addIssue({ code: "custom", message: text });
    return z.NEVER;
  });
  notations.add(schema, { type: "`off`", expected: "off", json: { enum: ["off"] } });
  return described(schema.prefault("off"), { meaning: `${meaning} Not in this version.`, example: "off" });
}

function missing() {
  return {
    greylist: off("greylist", CHECKS.greylist),
    spf: off("spf", CHECKS.spf),
    dmarc: off("dmarc", CHECKS.dmarc),
    reachability: off("reachability", CHECKS.reachability),
    spam: off("spam", CHECKS.spam),
    virus: off("virus", CHECKS.virus),
  };
}

export const checks = section({
  contact: described(words("a sentence or an address of yours").optional(), {
    meaning: "Ends the reply to those whom a check refuses: where they can turn to.",
    example: '"see https://example.net/mail"',
    default: "none",
  }),
  access,
  dnsbl,
  ...missing(),
});

export const domainChecks = section({ dnsbl: domainDnsbl, ...missing() });
