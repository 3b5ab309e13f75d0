/**
 * The admin API as its clients see it: every request and every response. The command line tool and the dashboard
 * know this file and nothing else of the daemon. No Node-only imports, so that a browser can use it too.
 *
 * Times are milliseconds since 1970, durations milliseconds, sizes bytes; domains are A-labels in lower case.
 * Every error is `{ error: { code, message, hint? } }`. Keys that a request does not know are refused.
 */
import * as z from "zod";
import { FetchSettingsBody, FetchStatusBody } from "./recipient-bodies.ts";
import { PrimaryBody, PrimaryShown, PrimaryStatusBody } from "./primary-bodies.ts";

export { PrimaryBody, PrimaryStatusBody, type ProbationBody } from "./primary-bodies.ts";
export { FetchStatusBody, RecipientAnswer } from "./recipient-bodies.ts";
export { sizeInWords, timeInWords } from "../../runtime/quantities.ts";

/** Most octets of a request body; recipient lists are the largest. */
export const MAX_BODY = 16 * 1024 * 1024;
/** Most recipients in one change. */
export const MAX_RECIPIENTS = 100_000;
export const MAX_PAGE = 1000;
export const DEFAULT_PAGE = 100;

const text = z.string().min(1).max(1000);
const [time, flag] = [z.number(), z.boolean()];

// prettier-ignore
export const ErrorCode = z.enum([
  "bad_request", "unauthorized", "forbidden", "not_found", "conflict", "too_large", "too_many_attempts", "timeout",
  "internal",
]);
export type ErrorCode = z.infer<typeof ErrorCode>;

export const ErrorBody = z.object({
  error: z.object({ code: ErrorCode, message: z.string(), hint: z.string().exactOptional() }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/** GET /healthz (alive, storage not sick), GET /readyz (accepting mail): 200 or 503. */
export const HealthBody = z.object({ ok: flag, why: z.string().exactOptional() });
export type HealthBody = z.infer<typeof HealthBody>;

export const StateName = z.enum(["waiting", "claimed", "unconfirmed", "held", "parked", "gone"]);
export type StateName = z.infer<typeof StateName>;

const filterShape = {
  id: text.exactOptional(),
  domain: text.exactOptional(),
  state: StateName.exactOptional(),
  sender: z.string().max(1000).exactOptional(),
  recipient: text.exactOptional(),
};
export const QueueFilter = z.strictObject(filterShape);
export type QueueFilter = z.infer<typeof QueueFilter>;

const pageShape = {
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
  cursor: text.exactOptional(),
};

/** GET /v1/queue. An empty `sender` is the null sender; `ledger=1` lists what is gone, too. */
export const QueueQuery = z.strictObject({
  ...filterShape,
  ...pageShape,
  ledger: z.enum(["0", "1"]).exactOptional(),
});

export const QueueEntryBody = z.object({
  id: z.string(),
  n: z.number(),
  recipient: z.string(),
  domain: z.string(),
  sender: z.string(),
  state: StateName,
  reason: z.string().exactOptional(),
  acceptedAt: time,
  updatedAt: time,
  dueAt: time.exactOptional(),
  attempts: z.number(),
  /** Times that the reply to the final dot was lost: each may be a double. */
  unconfirmed: z.number(),
  lastReply: z.string().exactOptional(),
  destination: z.string().exactOptional(),
  size: z.number(),
  hash: z.string().exactOptional(),
});
export type QueueEntryBody = z.infer<typeof QueueEntryBody>;

export const QueuePage = z.object({
  items: z.array(QueueEntryBody).readonly(),
  /** Hand back as `cursor`; absent on the last page. */
  next: z.string().exactOptional(),
  /** How many match in all; only for filters by domain and state, and without the ledger. */
  total: z.number().exactOptional(),
});
export type QueuePage = z.infer<typeof QueuePage>;

const optionalName = z.string().exactOptional();
const ClientBody = z.object({ ip: z.string(), name: optionalName, helo: z.string(), tls: optionalName });

/** GET /v1/queue/{id}. `GET /v1/queue/{id}/export` answers message/rfc822. */
export const MailBody = z.object({
  id: z.string(),
  sender: z.string(),
  acceptedAt: time,
  size: z.number(),
  hash: z.string(),
  client: ClientBody,
  topFields: z.string(),
  messageId: z.string().exactOptional(),
  subject: z.string().exactOptional(),
  from: z.string().exactOptional(),
  recipients: z.array(QueueEntryBody).readonly(),
  hasBody: flag,
});
export type MailBody = z.infer<typeof MailBody>;

export const QueueVerb = z.enum(["hold", "release", "delete", "flush"]);
export type QueueVerb = z.infer<typeof QueueVerb>;

/** POST /v1/queue/actions. An empty filter is refused unless `all` says that everything is meant. */
export const QueueAction = z.strictObject({
  verb: QueueVerb,
  filter: QueueFilter.default({}),
  all: z.literal(true).exactOptional(),
});
export type QueueAction = z.input<typeof QueueAction>;

/** How many recipients it moved. */
export const CountBody = z.object({ count: z.number() });
export type CountBody = z.infer<typeof CountBody>;

const SettingsShape = {
  mode: z.enum(["backup", "reflector"]).default("backup"),
  primaries: z.array(PrimaryBody).min(1).max(20).readonly(),
  catchAll: flag.default(false),
  /** The primary is asked about addresses that are in no list. */
  callout: flag.exactOptional(),
  tagSeparator: z.string().max(1).default("+"),
  unknownDuringOutage: z.enum(["accept", "defer", "reject"]).exactOptional(),
  bareNewlines: z.enum(["normalise", "reject"]).default("normalise"),
};

/** POST /v1/domains: a domain of origin `api`. Answers DomainBody. */
export const NewDomain = z.strictObject({
  name: text.max(255),
  ...SettingsShape,
  recipients: z.array(text).max(MAX_RECIPIENTS).readonly().exactOptional(),
});
export type NewDomain = z.input<typeof NewDomain>;

/** Recipients by state. */
export const StateCounts = z.partialRecord(StateName, z.number());
export type StateCounts = z.infer<typeof StateCounts>;

/** GET /v1/domains/{name}; GET /v1/domains answers `{ items }`. */
export const DomainBody = z.object({
  name: z.string(),
  origin: z.enum(["file", "api"]),
  settings: z.object({
    ...SettingsShape,
    primaries: z.array(PrimaryShown).readonly(),
    fetched: FetchSettingsBody.exactOptional(),
  }),
  declaredList: flag,
  /** How the list stands that it fetches; absent: it fetches none. */
  fetched: FetchStatusBody.exactOptional(),
  paused: flag,
  /** Vanished from the configuration: takes no new mail, hands over what it has. */
  draining: flag,
  mail: StateCounts,
  /** When the oldest mail that is not gone was accepted. */
  oldest: time.exactOptional(),
  primaries: z.array(PrimaryStatusBody).readonly(),
});
export type DomainBody = z.infer<typeof DomainBody>;

export const DomainList = z.object({ items: z.array(DomainBody).readonly() });
export type DomainList = z.infer<typeof DomainList>;

/** DELETE /v1/domains/{name}: `draining` while it still holds mail. */
export const DomainRemoved = z.object({ result: z.enum(["removed", "draining"]) });
export type DomainRemoved = z.infer<typeof DomainRemoved>;

/** POST /v1/domains/{name}/pause and /resume. */
export const DomainPaused = z.object({ name: z.string(), paused: flag });
export type DomainPaused = z.infer<typeof DomainPaused>;

/** GET /v1/domains/{name}/recipients. */
export const RecipientQuery = z.strictObject(pageShape);
export const RecipientPageBody = z.object({
  items: z.array(z.object({ pattern: z.string(), origin: z.enum(["file", "url", "api"]) })).readonly(),
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

/** GET /v1/trace?about=: an id, an address or a Message-ID. */
export const TraceQuery = z.strictObject({ about: text });
export const TraceBody = z.object({
  about: z.string(),
  /** Where each recipient concerned stands. */
  mails: z.array(QueueEntryBody).readonly(),
  /** What happened, oldest first. */
  lines: z
    .array(z.object({ at: time, id: z.string(), kind: z.string(), text: z.string() }).readonly())
    .readonly(),
});
export type TraceBody = z.infer<typeof TraceBody>;

const ListState = z.enum(["untested", "sound", "sick"]);
const ListStatusBody = z.object({ zone: z.string(), state: ListState, since: time, why: optionalName });

/** GET /v1/status. */
export const StatusBody = z.object({
  version: z.string(),
  hostname: z.string(),
  startedAt: time,
  now: time,
  condition: z.enum(["ok", "full", "sick"]),
  /** Accepting mail. */
  ready: flag,
  /** Addresses that listen for SMTP. */
  listening: z.array(z.string()).readonly(),
  connections: z.number(),
  /** Bytes free above the reserve. */
  room: z.number(),
  generation: z.number(),
  /** Recipients by state, over all domains. */
  mail: StateCounts,
  oldest: time.exactOptional(),
  primaries: z.array(PrimaryStatusBody).readonly(),
  lists: z.array(ListStatusBody).readonly(),
});
export type StatusBody = z.infer<typeof StatusBody>;

/** POST /v1/reload. `ok: false`: nothing was changed, `problems` says why. */
export const ReloadBody = z.object({
  ok: flag,
  generation: z.number().exactOptional(),
  problems: z.array(z.string()).readonly().exactOptional(),
  /** Keys that were changed and need a restart. */
  restart: z.array(z.string()).readonly().exactOptional(),
});
export type ReloadBody = z.infer<typeof ReloadBody>;

const tokenName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "letters, digits, `.`, `_` and `-`");

/** POST /v1/tokens. Without `domain` it may do everything. */
export const NewToken = z.strictObject({ name: tokenName, domain: text.exactOptional() });
export type NewToken = z.infer<typeof NewToken>;

export const TokenBody = z.object({
  name: z.string(),
  createdAt: time,
  domain: z.string().exactOptional(),
});
export type TokenBody = z.infer<typeof TokenBody>;

/** The only time that the secret is told. */
export const CreatedToken = z.object({ ...TokenBody.shape, secret: z.string() });
export type CreatedToken = z.infer<typeof CreatedToken>;

/** GET /v1/tokens. DELETE /v1/tokens/{name} answers 204. */
export const TokenList = z.object({ items: z.array(TokenBody).readonly() });
export type TokenList = z.infer<typeof TokenList>;
