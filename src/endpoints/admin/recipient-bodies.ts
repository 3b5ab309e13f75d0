/** Lists of recipients and what the recipients room answers, in the API. */
import * as z from "zod";
import { pageShape, text } from "./body-parts.ts";

/** Most recipients in one change. */
export const MAX_RECIPIENTS = 100_000;

/** GET /v1/domains/{name}/recipients. */
export const RecipientQuery = z.strictObject(pageShape);
export const RecipientPageBody = z.object({
  items: z.array(z.object({ pattern: z.string(), origin: z.enum(["file", "api"]) })).readonly(),
  next: z.string().exactOptional(),
});
export type RecipientPageBody = z.infer<typeof RecipientPageBody>;

export const RecipientVerb = z.enum(["add", "remove", "replace"]);
export type RecipientVerb = z.infer<typeof RecipientVerb>;

/**
 * POST /v1/domains/{name}/recipients as JSON; or as text/plain, one a line, `#` begins a comment, with `?verb=`.
 * Local parts, whole addresses of that domain, and `prefix-*` patterns. Answers how many entries the list of
 * origin `api` has afterwards.
 */
export const RecipientChangeBody = z.strictObject({
  verb: RecipientVerb,
  recipients: z.array(text).max(MAX_RECIPIENTS).readonly(),
});
export type RecipientChangeBody = z.infer<typeof RecipientChangeBody>;

/** GET /v1/recipients/check?address=: what a client would be told, and why. Nobody is asked over the network. */
export const RecipientAnswer = z.object({
  address: z.string(),
  answer: z.enum(["accept", "defer", "reject"]),
  /** One sentence. */
  why: z.string(),
  /** Where the answer comes from: `file`, `api`, `callout`, `learned`, `catch-all`, ... */
  origin: z.string().exactOptional(),
  /** How old that knowledge is. */
  age: z.number().exactOptional(),
  reply: z.string().exactOptional(),
});
export type RecipientAnswer = z.infer<typeof RecipientAnswer>;
