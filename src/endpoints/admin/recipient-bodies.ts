/** Recipient lists, and what is known about a recipient, in the API. */
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
 * POST /v1/domains/{name}/recipients as JSON, or as text/plain with `?verb=`, one recipient per line and comments after
 * `#`. Only JSON can replace a list with an empty one: text without a recipient is refused then. A recipient is a local
 * part, an address of that domain or a `prefix-*` pattern. Answers RecipientChanged.
 */
export const RecipientChangeBody = z.strictObject({
  verb: RecipientVerb,
  recipients: z.array(text).max(MAX_RECIPIENTS).readonly(),
});
export type RecipientChangeBody = z.infer<typeof RecipientChangeBody>;

/** The number of entries in the list of origin `api`, after and before the change. */
export const RecipientChanged = z.object({ count: z.number(), before: z.number() });
export type RecipientChanged = z.infer<typeof RecipientChanged>;

/** The query of the same request as text/plain. */
export const RecipientLinesQuery = z.strictObject({ verb: RecipientVerb });

export const RecipientCheckQuery = z.strictObject({ address: text });

/** GET /v1/recipients/check?address=: what an SMTP client would be told, and why. Makes no network request. */
export const RecipientCheckBody = z.object({
  address: z.string(),
  /** `ask`: the address is unknown, and its primary would be asked. */
  answer: z.enum(["accept", "defer", "reject", "ask"]),
  /** One sentence. */
  why: z.string(),
  /** The source of the answer: `file`, `api`, `url`, `callout`, `learned`, `catch-all`, `always`. */
  origin: optionalText,
  /** How old that knowledge is. */
  age: z.number().exactOptional(),
  reply: optionalText,
  /** What each source says by itself; absent if the domain is not ours. */
  sources: z
    .array(z.object({ source: z.string(), says: z.string(), age: z.number().exactOptional() }))
    .readonly()
    .exactOptional(),
});
export type RecipientCheckBody = z.infer<typeof RecipientCheckBody>;

/** The state of a list that a domain fetches over HTTP. */
export const FetchStatusBody = z.object({
  url: z.string(),
  /** Recipients of the last good list; absent: there was none. */
  entries: z.number().exactOptional(),
  /** When the server last sent a list, or said that it has not changed. */
  checkedAt: time.exactOptional(),
  /** When the list last changed. */
  changedAt: time.exactOptional(),
  /** Why and when the last fetch failed; absent if it succeeded. */
  error: optionalText,
  failedAt: time.exactOptional(),
});
export type FetchStatusBody = z.infer<typeof FetchStatusBody>;

/** Only the configuration file declares these: an API token must not choose what is fetched, or with which secret. */
export const FetchSettingsBody = z.object({
  url: z.string(),
  /** Milliseconds between two fetches. */
  every: z.number(),
  authorizationFile: optionalText,
  authorizationEnv: optionalText,
  allowEmpty: z.boolean().exactOptional(),
});
