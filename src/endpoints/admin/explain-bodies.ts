/** The replies that an SMTP client would get, and the results of checks, in the API. */
import * as z from "zod";
import { optionalText, text } from "./body-parts.ts";

/** One check that ran: its stage, its result, how long it took in ms, and for how many recipients. */
export const LookBody = z.object({
  check: z.string(),
  stage: z.string(),
  said: z.string(),
  took: z.number(),
  times: z.number(),
});
export type LookBody = z.infer<typeof LookBody>;

/** GET /v1/explain?ip=&helo=&from=&rcpt=: the replies to such a client. An empty `from` is the null sender. */
export const ExplainQuery = z.strictObject({
  ip: text,
  helo: text.max(255),
  from: z.string().max(320).default(""),
  rcpt: text.max(320),
});

/** Nothing was counted, remembered or sent except for DNS queries. */
export const ExplainBody = z.object({
  /** The conversation as far as it would go; the first reply is the greeting. */
  steps: z.array(z.object({ command: optionalText, reply: z.string() })).readonly(),
  verdict: z.enum(["accept", "tag", "defer", "reject"]),
  /** Header fields that checks would add. */
  fields: z.array(z.string()).readonly(),
  checks: z.array(LookBody).readonly(),
  /** How long the client would wait for the greeting, in ms. */
  greetDelay: z.number(),
});
export type ExplainBody = z.infer<typeof ExplainBody>;
