/** The queue in the API: entries, mails, actions. */
import * as z from "zod";
import { AuthenticationBody } from "./authentication-body.ts";
import { mailNotices, recipientNotices } from "./notice-bodies.ts";
import { optionalText, pageShape, text, time } from "./body-parts.ts";

export const StateName = z.enum(["waiting", "claimed", "unconfirmed", "held", "parked", "gone"]);
export type StateName = z.infer<typeof StateName>;

export const ReasonName = z.enum([
  "operator",
  "probation",
  "quarantine",
  "loop",
  "unconfirmed",
  "damaged",
  "refused",
  "content",
  "expired",
  "delivered",
  "deleted",
]);

const filterShape = {
  id: text.exactOptional(),
  domain: text.exactOptional(),
  state: StateName.exactOptional(),
  reason: ReasonName.exactOptional(),
  sender: z.string().max(1000).exactOptional(),
  recipient: text.exactOptional(),
};
const QueueFilter = z.strictObject(filterShape);

/** GET /v1/queue. An empty `sender` is the null sender; `ledger=1` also lists recipients that are gone. */
export const QueueQuery = z.strictObject({
  ...filterShape,
  ...pageShape,
  ledger: z.enum(["0", "1"]).exactOptional(),
});

export const ExportQuery = z.strictObject({
  /** `1` exports even a mail that differs from the accepted one. */
  damaged: z.enum(["0", "1"]).exactOptional(),
});

export const QueueEntryBody = z.object({
  id: z.string(),
  n: z.number(),
  recipient: z.string(),
  domain: z.string(),
  /** `host:port` where an operator sends it instead of the domain's primaries. */
  route: optionalText,
  sender: z.string(),
  state: StateName,
  reason: optionalText,
  acceptedAt: time,
  updatedAt: time,
  dueAt: time.exactOptional(),
  attempts: z.number(),
  /** How often the reply to the final dot was lost; each time may have delivered a duplicate. */
  unconfirmed: z.number(),
  lastReply: optionalText,
  destination: optionalText,
  /** Who held, released or deleted it last: `socket`, or the name of a token. */
  who: optionalText,
  size: z.number(),
  hash: optionalText,
  ...recipientNotices,
  /** Why the mail was quarantined when it was accepted. */
  quarantine: optionalText,
  subject: optionalText,
});
export type QueueEntryBody = z.infer<typeof QueueEntryBody>;

export const QueuePage = z.object({
  items: z.array(QueueEntryBody).readonly(),
  /** The `cursor` of the next page; absent on the last page. */
  next: optionalText,
  /** Number of all matches; only for filters by domain and state, and without the ledger. */
  total: z.number().exactOptional(),
});
export type QueuePage = z.infer<typeof QueuePage>;

const ClientBody = z.object({
  ip: z.string(),
  name: optionalText,
  helo: z.string(),
  tls: optionalText,
  /** Its port, and our address to which it connected; absent if the connection came through a proxy. */
  port: z.number().exactOptional(),
  server: optionalText,
});

/** GET /v1/queue/{id}. `GET /v1/queue/{id}/export` answers message/rfc822. */
export const MailBody = z.object({
  id: z.string(),
  sender: z.string(),
  acceptedAt: time,
  size: z.number(),
  crc32: optionalText,
  client: ClientBody,
  topFields: z.string(),
  messageId: optionalText,
  subject: optionalText,
  from: optionalText,
  /** Why it was quarantined when it was accepted. */
  quarantine: optionalText,
  authentication: AuthenticationBody.exactOptional(),
  ...mailNotices,
  recipients: z.array(QueueEntryBody).readonly(),
  hasBody: z.boolean(),
});
export type MailBody = z.infer<typeof MailBody>;

export const QueueVerb = z.enum(["hold", "release", "delete", "flush", "reroute", "bounce"]);
export type QueueVerb = z.infer<typeof QueueVerb>;

/** POST /v1/queue/actions. An empty filter is refused unless `all` confirms that everything is meant. */
export const QueueAction = z.strictObject({
  verb: QueueVerb,
  filter: QueueFilter.default({}),
  /** For `reroute`: `host:port`, or `primary` for the domain's own. */
  to: text.exactOptional(),
  all: z.literal(true).exactOptional(),
});
export type QueueAction = z.input<typeof QueueAction>;

/** The number of recipients that were changed. */
export const CountBody = z.object({ count: z.number() });
export type CountBody = z.infer<typeof CountBody>;

/** Recipients by state. */
export const StateCounts = z.partialRecord(StateName, z.number());
export type StateCounts = z.infer<typeof StateCounts>;
