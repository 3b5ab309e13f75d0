/** Named columns of the database, and their conversion to the types of the ports. */
import type { DsnRecipient, DsnRequest } from "../../../../mail/dsn.ts";
import { TRAITS, type Trait } from "../../../../mail/header-scanner.ts";
import type { Authentication } from "../../../../ports/authentication.ts";
import type { ClientFacts } from "../../../../ports/intake.ts";
import type { MailDetail } from "../../../../ports/operator.ts";

/** Columns of `message` that both the reader and the writer of DSNs use. */
export interface MailColumns {
  readonly id: string;
  readonly sender: string;
  readonly accepted_at: number;
  readonly size: number;
  readonly crc: number | null;
  readonly client_ip: string;
  readonly client_name: string | null;
  readonly client_helo: string;
  readonly client_tls: string | null;
  readonly client_port: number | null;
  readonly server_ip: string | null;
  readonly top_fields: string;
  readonly message_id: string | null;
  readonly dsn_ret: "FULL" | "HDRS" | null;
  readonly dsn_envid: string | null;
  readonly traits: number;
  readonly authentication: string | null;
  readonly spool: string | null;
}

export function mailOf(row: MailColumns): Omit<MailDetail, "recipients" | "hasBody"> {
  return {
    id: row.id,
    sender: row.sender,
    acceptedAt: row.accepted_at,
    size: row.size,
    client: clientOf(row),
    topFields: row.top_fields,
    ...(row.message_id !== null && { messageId: row.message_id }),
    ...requestOf(row),
    traits: traitsOf(row.traits),
    ...authenticationOf(row),
  };
}

type ClientColumns = Pick<
  MailColumns,
  "client_ip" | "client_name" | "client_helo" | "client_tls" | "client_port" | "server_ip"
>;

export function clientOf(row: ClientColumns): ClientFacts {
  return {
    ip: row.client_ip,
    helo: row.client_helo,
    ...(row.client_name !== null && { name: row.client_name }),
    ...(row.client_tls !== null && { tls: row.client_tls }),
    ...(row.client_port !== null && { port: row.client_port }),
    ...(row.server_ip !== null && { server: row.server_ip }),
  };
}

/** Results of SPF, DKIM and DMARC at receipt, from their stored form. */
export function authenticationOf({ authentication }: Pick<MailColumns, "authentication">): {
  readonly authentication?: Authentication;
} {
  return authentication === null ? {} : { authentication: JSON.parse(authentication) as Authentication };
}

/** The sender's DSN request for the mail (RFC 3461). */
export function requestOf({ dsn_ret: ret, dsn_envid: envid }: Pick<MailColumns, "dsn_ret" | "dsn_envid">): {
  readonly dsn?: DsnRequest;
} {
  if (ret === null && envid === null) return {};
  return { dsn: { ...(ret !== null && { ret }), ...(envid !== null && { envid }) } };
}

/** Columns of `recipient` with the sender's DSN request for it. */
interface WishColumns {
  readonly notify: string | null;
  readonly orcpt: string | null;
}

export function wishOf({ notify, orcpt }: WishColumns): DsnRecipient {
  return { ...(notify !== null && { notify }), ...(orcpt !== null && { orcpt }) };
}

/** One bit each, in the order of TRAITS. */
export function traitBits(traits: readonly Trait[]): number {
  return traits.reduce((bits, trait) => bits | (1 << TRAITS.indexOf(trait)), 0);
}

function traitsOf(bits: number): readonly Trait[] {
  return TRAITS.filter((_, bit) => (bits & (1 << bit)) !== 0);
}
