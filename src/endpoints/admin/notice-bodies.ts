/** Which notices senders requested and got, in the bodies of the admin API. */
import * as z from "zod";
import { optionalText, time } from "./body-parts.ts";

const Kind = z.enum(["failed", "expired", "delayed", "relayed"]);

/** The notice that the sender got, by its own id in the queue, or why there was none. */
const ToldBody = z.object({
  kind: Kind,
  at: time,
  notice: optionalText,
  why: optionalText,
});
export type ToldBody = z.infer<typeof ToldBody>;

/** For one recipient; `notify` and `orcpt` are what the sender gave (RFC 3461). */
export const recipientNotices = {
  notify: optionalText,
  orcpt: optionalText,
  told: ToldBody.exactOptional(),
  /** The event of which the sender has not been notified yet. */
  owed: Kind.exactOptional(),
};

/** For a mail; `envid` is what the sender gave. */
export const mailNotices = {
  dsn: z.object({ ret: z.enum(["FULL", "HDRS"]).exactOptional(), envid: optionalText }).exactOptional(),
  /** What the header says about the author: a mailing list, bulk mail or a program. */
  traits: z.array(z.enum(["list", "bulk", "automatic"])).readonly(),
};
