/** What senders asked to be told, and what they were told, in the bodies of the admin API. */
import * as z from "zod";
import { optionalText, time } from "./body-parts.ts";

const Kind = z.enum(["failed", "expired", "delayed", "relayed"]);

/** What became of a sender's right to know: a notice, by its own id in the queue, or why there is none. */
const ToldBody = z.object({
  kind: Kind,
  at: time,
  notice: optionalText,
  why: optionalText,
});
export type ToldBody = z.infer<typeof ToldBody>;

/** Of one recipient; `notify` and `orcpt` as the sender gave them, RFC 3461. */
export const recipientNotices = {
  notify: optionalText,
  orcpt: optionalText,
  told: ToldBody.exactOptional(),
  /** The sender is yet to hear of this. */
  owed: Kind.exactOptional(),
};

/** Of a mail; `envid` as the sender gave it. */
export const mailNotices = {
  dsn: z.object({ ret: z.enum(["FULL", "HDRS"]).exactOptional(), envid: optionalText }).exactOptional(),
  /** What its header says of who wrote it. */
  traits: z.array(z.enum(["list", "bulk", "automatic"])).readonly(),
};
