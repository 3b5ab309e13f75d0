/**
 * The quarantine in the API. Mail in quarantine is listed, shown, released and deleted like all mail in the queue, by
 * `reason: quarantine`. This file has the senders whose mail is never quarantined.
 */
import * as z from "zod";
import { optionalText, text, time } from "./body-parts.ts";

/** POST /v1/quarantine/senders. `sender`: an address or `@example.com`; without `domain`, for all recipients. */
export const NewAllowedSender = z.strictObject({ sender: text, domain: text.exactOptional() });
export type NewAllowedSender = z.infer<typeof NewAllowedSender>;

/** DELETE /v1/quarantine/senders. */
export const AllowedSenderQuery = NewAllowedSender;

export const AllowedSenderBody = z.object({
  sender: z.string(),
  domain: optionalText,
  at: time,
  who: z.string(),
});
export type AllowedSenderBody = z.infer<typeof AllowedSenderBody>;

/** GET /v1/quarantine/senders. */
export const AllowedSenderList = z.object({ items: z.array(AllowedSenderBody).readonly() });
export type AllowedSenderList = z.infer<typeof AllowedSenderList>;
