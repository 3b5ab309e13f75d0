/** Lists of recipients and what the recipients room answers, in the API. */
import * as z from "zod";
import { optionalText, pageShape, text, time } from "./body-parts.ts";

/** Most recipients in one change. */
export const MAX_RECIPIENTS = 100_000;

/** GET /v1/domains/{name}/recipients. */
export const RecipientQuery = z.strictObject(pageShape);
export const RecipientPageBody = z.object({
  items: z.array(z.object({ pattern: z.string(), origin: z.enum(["file", "url", "api"]) })).readonly(),
  next: optionalText,
});
export type RecipientPageBody = z.infer<typeof RecipientPageBody>;

export const RecipientVerb = z.enum(["add", "remove", "replace"]);
export type RecipientVerb = z.infer<typeof RecipientVerb>;

/**
 * POST /v1/domains/{name}/recipients as JSON; or as text/plain, one a line, `#` begins a comment, with `?verb=`. A text
 * without a recipient replaces nothing; an empty list of JSON does. Local parts, whole addresses of that domain, and
 * `prefix-*` patterns. Answers RecipientChanged.
 */
export const RecipientChangeBody = z.strictObject({
  verb: RecipientVerb,
  recipients: z.array(text).max(MAX_RECIPIENTS).readonly(),
});
export type RecipientChangeBody = z.infer<typeof RecipientChangeBody>;

/** How many entries the list of origin `api` has, and how many it had before. */
export const RecipientChanged = z.object({ count: z.number(), before: z.number() });
export type RecipientChanged = z.infer<typeof RecipientChanged>;

/** The query of the same as text/plain. */
export const RecipientLinesQuery = z.strictObject({ verb: RecipientVerb });

export const RecipientCheckQuery = z.strictObject({ address: text });

/** GET /v1/recipients/check?address=: what a client would be told, and why. Nobody is asked over the network. */
export const RecipientCheckBody = z.object({
  address: z.string(),
  /** `ask`: nobody knows it, and its primary would be asked. */
  answer: z.enum(["accept", "defer", "reject", "ask"]),
  /** One sentence. */
  why: z.string(),
  /** Where the answer comes from: `file`, `api`, `url`, `callout`, `learned`, `catch-all`, `always`. */
  origin: optionalText,
  /** How old that knowledge is. */
  age: z.number().exactOptional(),
  reply: optionalText,
  /** What each source says by itself; absent where the domain is not ours. */
  sources: z
    .array(z.object({ source: z.string(), says: z.string(), age: z.number().exactOptional() }))
    .readonly()
    .exactOptional(),
});
export type RecipientCheckBody = z.infer<typeof RecipientCheckBody>;

/** How the list stands that a domain fetches over HTTP. */
export const FetchStatusBody = z.object({
  url: z.string(),
  /** Recipients of the last good list; absent: there was none. */
  entries: z.number().exactOptional(),
  /** When the server last answered with a list, or that it has not changed. */
  checkedAt: time.exactOptional(),
  /** When the list last changed. */
  changedAt: time.exactOptional(),
  /** Why the last look failed, and when that was; absent: it did not. */
  error: optionalText,
  failedAt: time.exactOptional(),
});
export type FetchStatusBody = z.infer<typeof FetchStatusBody>;

/** Declared in the configuration file only: an API token must not choose what is fetched, and with which secret. */
export const FetchSettingsBody = z.object({
  url: z.string(),
  /** Milliseconds between two looks. */
  every: z.number(),
  authorizationFile: optionalText,
  authorizationEnv: optionalText,
  allowEmpty: z.boolean().exactOptional(),
});
