/** Rules of access in the API. */
import * as z from "zod";
import { LAST_MOMENT } from "../../runtime/moments.ts";
import { optionalText, text, time, TOO_FAR } from "./body-parts.ts";

const pattern = text.max(320).exactOptional();
const ruleShape = {
  /** `allow` spares the checks of reputation; `block` refuses with 554, with an `until` with 451. */
  action: z.enum(["allow", "block"]),
  /** All that is named must fit; at least one of these four. */
  network: pattern,
  helo: pattern,
  sender: pattern,
  recipient: pattern,
  /** Only for recipients of this domain. */
  domain: text.max(255).exactOptional(),
  /** When the rule ends. */
  until: time.exactOptional(),
  note: z.string().max(200).exactOptional(),
};

/** POST /v1/access. Answers RuleBody; in force in all SMTP threads within a second. */
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
  /** Who added it: `socket` or a token. */
  who: optionalText,
});
export type RuleBody = z.infer<typeof RuleBody>;

/** GET /v1/access, in the order in which they are looked at. DELETE /v1/access/{id} answers 204. */
export const RuleList = z.object({ items: z.array(RuleBody).readonly() });
export type RuleList = z.infer<typeof RuleList>;
