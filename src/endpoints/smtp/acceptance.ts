/** Builds what the queue is asked to accept: a mail with all known facts, and the header fields to put on top. */
import type { DataDecoder } from "../../mail/data-decoder.ts";
import type { HeaderFacts } from "../../mail/header-scanner.ts";
import { printable } from "../../mail/reply.ts";
import { receivedField } from "../../mail/received.ts";
import type { ClientFacts } from "../../ports/intake.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Examined, AuthenticationResults } from "../../services/policy/policy.ts";
import type { Acceptance } from "../../services/queue/queue.ts";
import { authenticationFields } from "./authentication-fields.ts";
import type { Transaction } from "./transaction.ts";

interface Origin {
  readonly transaction: Transaction;
  readonly client: ClientFacts;
  readonly clock: Clock;
}

/** A body that was read and judged. */
interface JudgedBody {
  readonly id: string;
  readonly facts: HeaderFacts;
  readonly decoder: Pick<DataDecoder, "eightBit" | "bareNewlines" | "longLines">;
  /** Number of fields that were removed because they claimed to be ours. */
  readonly forged: number;
  readonly examined: Examined;
  /** Undefined if the sender was not authenticated. */
  readonly found: AuthenticationResults | undefined;
  /** Wall time in ms after which the store must not begin. */
  readonly until: number;
}

export function acceptanceOf(origin: Origin, body: JudgedBody): Acceptance {
  const { transaction } = origin;
  const checks = transaction.looks?.packed();
  return {
    mail: mailOf(origin, body),
    notes: [...notesOf(body), ...authenticationNotes(body.found), ...body.examined.notes],
    ...(checks !== undefined && { checks }),
    until: body.until,
  };
}

function mailOf(origin: Origin, body: JudgedBody): Acceptance["mail"] {
  const { transaction, client } = origin;
  const { id, facts, decoder, examined, found } = body;
  const { messageId, subject, from, traits } = facts;
  const quarantine = quarantineOf(examined);
  return {
    id,
    sender: transaction.subject.sender,
    recipients: transaction.recipients,
    client,
    topFields:
      authenticationTop(origin, found) +
      topFields(origin, id, ownFields(examined, quarantine)) +
      (facts.headless ? "\r\n" : ""),
    smtpUtf8: transaction.needsUtf8(facts),
    eightBit: transaction.eightBit || decoder.eightBit,
    ...(messageId !== undefined && { messageId }),
    ...(subject !== undefined && { subject }),
    ...(from !== undefined && { from }),
    ...(Object.keys(transaction.dsn).length > 0 && { dsn: transaction.dsn }),
    ...(traits !== undefined && { traits }),
    ...(quarantine !== undefined && { quarantine }),
    ...(found !== undefined && { authentication: found.authentication }),
  };
}

function quarantineOf({ verdict }: Examined): string | undefined {
  return verdict.kind === "quarantine" ? verdict.why : undefined;
}

/** Header fields of inspections and of the quarantine, which the primary gets with the mail. */
function ownFields({ fields }: Examined, quarantine: string | undefined): readonly string[] {
  return quarantine === undefined ? fields : [...fields, `X-Holdfast-Quarantine: ${printable(quarantine)}`];
}

function authenticationTop(
  { transaction, client }: Origin,
  found: AuthenticationResults | undefined,
): string {
  if (found === undefined) return "";
  const { hostname } = transaction.settings;
  return authenticationFields({ ...found, ...client, hostname, sender: transaction.subject.sender });
}

/** Results of sender authentication, for the trace. */
function authenticationNotes(found: AuthenticationResults | undefined): readonly string[] {
  const { spf } = found ?? {};
  return spf === undefined ? [] : [`spf ${spf.result} for ${spf.domain}`];
}

function topFields({ transaction, client, clock }: Origin, id: string, fields: readonly string[]): string {
  const [only, ...others] = transaction.recipients;
  const received = receivedField({
    ip: client.ip,
    ...(client.name !== undefined && { name: client.name }),
    helo: client.helo,
    extended: transaction.subject.extended,
    smtpUtf8: transaction.smtpUtf8,
    ...(client.tls !== undefined && { tls: client.tls }),
    by: transaction.settings.hostname,
    id,
    ...(only !== undefined && others.length === 0 && { recipient: only.address }),
    at: clock.now(),
  });
  return received + [...transaction.tags, ...fields].map((field) => `${field.trimEnd()}\r\n`).join("");
}

function notesOf({ decoder: { bareNewlines, longLines }, forged }: JudgedBody): readonly string[] {
  return [
    ...(forged > 0 ? [`forged Authentication-Results removed: ${forged}`] : []),
    ...(bareNewlines > 0 ? ["bare newlines normalised"] : []),
    ...(longLines > 0 ? ["lines above 1000 octets"] : []),
  ];
}
