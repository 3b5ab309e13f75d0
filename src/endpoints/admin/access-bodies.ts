/** Rules of access in the API. */
import * as z from "zod";
import { LAST_MOMENT } from "../../runtime/moments.ts";
import { optionalText, text, time, TOO_FAR } from "./body-parts.ts";

const pattern = text.max(320).exactOptional();
const ruleShape = {
  /** `allow` skips the reputation checks; `block` refuses with 554, or with 451 if there is an `until`. */
  action: z.enum(["allow", "block"]),
  /** All conditions that are given must match; at least one of these four is required. */
  network: pattern,
  helo: pattern,
  sender: pattern,
  recipient: pattern,
  /** The rule applies only to recipients of this domain. */
  domain: text.max(255).exactOptional(),
  /** When the rule ends. */
  until: time.exactOptional(),
  note: z.string().max(200).exactOptional(),
};

/** POST /v1/access. Answers RuleBody. The rule is in force in all SMTP threads within a second. */
export const NewRule = z.strictObject({
  ...ruleShape,
  until: time.max(LAST_MOMENT, TOO_FAR).int().min(0).exactOptional(),
});
export type NewRule = z.infer<typeof NewRule>;

export const RuleBody = z.object({
  ...ruleShape,
  /** Absent for rules of the configuration file. */
  id: optionalText,
  origin: z.enum(["file", "api"]),
  createdAt: time.exactOptional(),
  /** Who added it: `socket`, or the name of a token. */
  who: optionalText,
});
export type RuleBody = z.infer<typeof RuleBody>;

/** GET /v1/access, in the order in which the rules are evaluated. DELETE /v1/access/{id} answers 204. */
export const RuleList = z.object({ items: z.array(RuleBody).readonly() });
export type RuleList = z.infer<typeof RuleList>;
