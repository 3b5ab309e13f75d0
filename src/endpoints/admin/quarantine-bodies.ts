/**
 * The quarantine in the API: mail in it is listed, shown, released and deleted as all mail of the queue, by
 * `reason: quarantine`. What is its own are the senders who are spared it.
 */
import * as z from "zod";
import { optionalText, text, time } from "./body-parts.ts";

/** POST /v1/quarantine/senders. `sender` is an address, or `@example.com`; without `domain` for all recipients. */
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
