/** The results of SPF, DKIM and DMARC when a mail was received; part of the contract. */
import * as z from "zod";
import { optionalText } from "./body-parts.ts";

export const AuthenticationBody = z.object({
  spf: z
    .object({
      result: z.enum(["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"]),
      domain: z.string(),
      /** The identity that SPF evaluated: the return path, or HELO for the null sender. */
      identity: z.enum(["mailfrom", "helo"]),
    })
    .exactOptional(),
  /** Signatures that verified. */
  dkim: z
    .array(z.object({ domain: z.string(), selector: z.string() }))
    .readonly()
    .exactOptional(),
  dmarc: z
    .object({
      result: z.enum(["none", "pass", "fail", "temperror", "permerror"]),
      policy: z.enum(["none", "quarantine", "reject"]).exactOptional(),
    })
    .exactOptional(),
  fromDomain: optionalText,
  /** Whether SPF or DKIM proves the return path, so that a bounce reaches nobody but the sender. */
  returnPath: z.boolean(),
});
export type AuthenticationBody = z.infer<typeof AuthenticationBody>;
