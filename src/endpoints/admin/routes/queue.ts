/** Shows, exports and changes mail in the queue. Open to confined tokens, for mail of their domain only. */
import type { Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import type { Hono } from "hono";
import { DSN_DOMAIN } from "../../../ports/dsn.ts";
import { HOST } from "../../../mail/host-pattern.ts";
import { hostPort, parseHostPort } from "../../../mail/network.ts";
import { readMailbox } from "../../../mail/path.ts";
import type { MailDetail, MailFilter, QueueReader } from "../../../ports/operator.ts";
import { BodyDamaged } from "../../../ports/stored-body.ts";
import { errorText } from "../../../runtime/log.ts";
import { recordAct } from "../acts.ts";
import { confine, pageOf, readBody, readQuery, Refusal, soundDomain } from "../answers.ts";
import {
  ExportQuery,
  QueueAction,
  QueueQuery,
  type QueueVerb,
  type CountBody,
  type MailBody,
  type QueuePage,
} from "../contract.ts";
import { amountOf, type Amounts } from "../counting.ts";
import { quoted } from "../issue-words.ts";
import type { AdminContext, AdminEnv, AdminParts } from "../parts.ts";

const MAIL_ID = /^[0-9a-z]{1,40}$/;

export function queueRoutes(app: Hono<AdminEnv>, parts: AdminParts): void {
  app.get("/v1/queue", async (c) => c.json(await listQueue(c, parts.queue)));
  app.post("/v1/queue/actions", async (c) => c.json(await act(c, parts)));
  app.get("/v1/queue/:id", async (c) => c.json((await findMail(c, parts.queue)) satisfies MailBody));
  app.get("/v1/queue/:id/export", (c) => exportMail(c, parts));
}

async function listQueue(c: AdminContext, queue: QueueReader): Promise<QueuePage> {
  const { limit, cursor, ledger, ...given } = readQuery(c, QueueQuery);
  const filter = narrow(c, given);
  const page = await pageOf(
    queue.list({
      filter,
      limit,
      ...(cursor !== undefined && { cursor }),
      ...(ledger === "1" && { ledger: true }),
    }),
  );
  if (ledger === "1" || !countable(filter)) return page;
  return { ...page, total: sum(amountOf(await queue.counts(filter.domain)), filter) };
}

/** Returns whether the queue has a count for this filter: by domain and state only, and not for what is gone. */
function countable(filter: MailFilter): boolean {
  const { id, sender, recipient, reason, state } = filter;
  return (
    state !== "gone" &&
    id === undefined &&
    sender === undefined &&
    recipient === undefined &&
    reason === undefined
  );
}

function sum({ mail }: Amounts, { state }: MailFilter): number {
  if (state !== undefined) return mail[state] ?? 0;
  return Object.values(mail).reduce((total, count) => total + count, 0);
}

async function act(c: AdminContext, parts: AdminParts): Promise<CountBody> {
  const { verb, filter: given, all, to: place } = await readBody(c, QueueAction);
  if (Object.keys(given).length === 0 && all !== true)
    throw new Refusal("bad_request", "an empty filter means all mail", "say `all: true` if that is meant");
  refuseReason(verb, given);
  const filter = narrow(c, given);
  const to = soundPlace(verb, place, c.get("caller").domain);
  const { who } = c.get("caller");
  const now = parts.clock.now();
  const count = await parts.operator.operate({ verb, filter, who, now, ...(to !== undefined && { to }) });
  const what = place === undefined ? describe(filter) : `${describe(filter)} to ${place}`;
  recordAct(c, parts, { verb, what, count, ...(count > 0 && whose(filter)) });
  return { count };
}

/** Refuses a reason for verbs that act on waiting mail, which has none: the filter would silently match nothing. */
function refuseReason(verb: QueueVerb, { reason }: MailFilter): void {
  if (reason === undefined || (verb !== "hold" && verb !== "flush")) return;
  throw new Refusal(
    "bad_request",
    `filter.reason: \`${verb}\` acts on waiting mail, which has no reason`,
    "leave it out",
  );
}

/** The keys by which the trace finds an act. */
function whose({ id, sender, recipient }: MailFilter): {
  readonly id?: string;
  readonly addresses?: string[];
} {
  const addresses = [sender, recipient].filter((address) => address !== undefined);
  return { ...(id !== undefined && { id }), ...(addresses.length > 0 && { addresses }) };
}

/** Returns the destination of rerouted mail; undefined for the domain's own primaries. */
function soundPlace(verb: QueueVerb, place: string | undefined, confinedTo?: string): string | undefined {
  if ((verb === "reroute") !== (place !== undefined))
    throw new Refusal("bad_request", "`reroute` and `to` need each other", 'to: "host:port", or "primary"');
  if (place === undefined || place === "primary") return undefined;
  if (confinedTo !== undefined)
    throw new Refusal("forbidden", `this token is confined to ${confinedTo}`, "use a token without --domain");
  const { host, port } = parseHostPort(place) ?? { host: "", port: 0 };
  const sound = HOST.read(host);
  if (!("value" in sound))
    throw new Refusal(
      "bad_request",
      `to: ${quoted(place)} is not a place`,
      "write host:port, with a port from 1 to 65535, or primary",
    );
  return hostPort(sound.value, port);
}

function describe(filter: MailFilter): string {
  const parts = Object.entries(filter).map(([key, value]) => `${key} ${value === "" ? "<>" : value}`);
  return parts.length === 0 ? "all mail" : parts.join(", ");
}

/** Returns the filter with normalised domain and addresses, limited to the domain of a confined token. */
function narrow(c: AdminContext, filter: MailFilter): MailFilter {
  // Notices to senders are queued under a name that is not a valid domain name.
  const special = filter.domain === undefined || filter.domain === DSN_DOMAIN;
  const named = special ? filter.domain : soundDomain(filter.domain);
  if (named !== undefined) confine(c, named);
  const domain = named ?? c.get("caller").domain;
  const { sender, recipient } = filter;
  return {
    ...filter,
    ...(domain !== undefined && { domain }),
    ...(sender !== undefined && { sender: soundMailbox("sender", sender) }),
    ...(recipient !== undefined && { recipient: soundMailbox("recipient", recipient) }),
  };
}

/** Returns the address as the queue stores it. Refuses other text, which would silently match nothing. */
function soundMailbox(name: string, text: string): string {
  const mailbox = readMailbox(text);
  if (mailbox.kind === "address") return mailbox.address.text;
  if (mailbox.kind === "null" || mailbox.kind === "literal") return text;
  throw new Refusal(
    "bad_request",
    `${name}: ${quoted(text)} is not an address`,
    "write a whole one, such as bob@example.com; `domain` takes all recipients of a domain",
  );
}

/** Returns the mail as the caller may see it: for a confined token, without recipients of other domains. */
async function findMail(c: AdminContext, queue: QueueReader): Promise<MailDetail> {
  const mail = await queue.show(mailId(c));
  const { domain } = c.get("caller");
  const recipients =
    mail?.recipients.filter((entry) => domain === undefined || entry.domain === domain) ?? [];
  if (mail === undefined || (domain !== undefined && recipients.length === 0)) throw unknownMail();
  return { ...mail, recipients };
}

function mailId(c: AdminContext): string {
  const id = c.req.param("id") ?? "";
  if (!MAIL_ID.test(id)) throw unknownMail();
  return id;
}

function unknownMail(): Refusal {
  return new Refusal("not_found", "there is no mail with this id", "its ledger may have been removed by age");
}

async function exportMail(c: AdminContext, { queue, log }: AdminParts): Promise<Response> {
  const { damaged } = readQuery(c, ExportQuery);
  const id = mailId(c);
  // Only confined tokens need this look at the recipients. An export of the whole queue comes here once per mail.
  if (c.get("caller").domain !== undefined) await findMail(c, queue);
  const stream = await queue.export(id, damaged === "1").catch((error: unknown) => {
    if (!(error instanceof BodyDamaged)) throw error;
    throw new Refusal(
      "damaged",
      `mail ${id} is not what was accepted: ${error.message}`,
      "`queue export --damaged` gives what is left of it; look at the disk",
    );
  });
  if (stream === undefined) {
    await findMail(c, queue);
    throw new Refusal("not_found", "the body of this mail is gone", "it goes with its last recipient");
  }
  const cut = (error: unknown): void => {
    log.error("an export was interrupted", { id, error: errorText(error) });
    c.env.outgoing?.destroy();
  };
  c.header("Content-Type", "message/rfc822");
  c.header("Content-Disposition", `attachment; filename="${id}.eml"`);
  // After a HEAD or a 504 the HTTP library does not read the stream, and its file would stay open.
  if (c.req.method === "HEAD" || c.finalized) {
    stream.destroy();
    return c.body(null);
  }
  return c.body(ReadableStream.from(untilTrouble(stream, cut)) as globalThis.ReadableStream);
}

/**
 * Cuts the connection on an error, so that the client does not take a part for the whole mail. The error is not thrown
 * on, because the HTTP library would report it a second time.
 */
async function* untilTrouble(stream: Readable, cut: (error: unknown) => void): AsyncGenerator<Buffer> {
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    cut(error);
  }
}
