/** The SMTP commands, RFC 5321 §4.1.1: one function for each, and a table of all. */
import { MAIL_DSN, RCPT_DSN, readMailDsn, readRcptDsn, type DsnRequest } from "../../mail/dsn.ts";
import { parsePathCommand, readMailbox, type PathCommand } from "../../mail/path.ts";
import { needsSmtpUtf8 } from "../../mail/address.ts";
import type { MailSubject } from "../../services/policy/policy.ts";
import type { Later } from "../../runtime/at-once.ts";
import {
  closing,
  fixed,
  FULL,
  NEEDS_EHLO,
  NEEDS_UTF8,
  NESTED_MAIL,
  NOT_OFFERED,
  say,
  TOO_BIG,
  type Answer,
} from "./answer.ts";
import type { SessionState } from "./session-state.ts";
import { etrn } from "./etrn.ts";
import { Transaction } from "./transaction.ts";
import { xclient, XCLIENT_OFFER } from "./xclient.ts";

type Command = (session: SessionState, argument: string) => Later<Answer>;

/** Characters. */
const LONGEST_HELO = 255;

const OK = fixed(say(250, "2.0.0", "Ok"));
const SENDER_OK = fixed(say(250, "2.1.0", "Ok"));
const BYE = closing(221, "2.0.0", "Bye");
const HELP = say(214, "2.0.0", "See RFC 5321");
const CANNOT_VERIFY = say(252, "2.5.0", "Send mail to find out");
const GO_AHEAD = fixed({
  reply: { code: 354, text: "End data with <CR><LF>.<CR><LF>" },
  next: "body",
});
const READY_FOR_TLS: Answer = { ...say(220, "2.0.0", "Ready to start TLS"), next: "tls" };

const NEEDS_HELO_NAME = say(501, "5.5.4", "Give one host name");
const NEEDS_MAIL = say(503, "5.5.1", "Say MAIL first");
const NEEDS_RCPT = say(503, "5.5.1", "No valid recipient yet");
const NO_ARGUMENT = say(501, "5.5.4", "This command takes no argument");
const MAIL_SYNTAX = say(501, "5.5.4", "Syntax: MAIL FROM:<address>");
const RCPT_SYNTAX = say(501, "5.5.4", "Syntax: RCPT TO:<address>");
const BAD_PARAMETER = say(501, "5.5.4", "Bad parameter");
const UNKNOWN_PARAMETER = say(555, "5.5.4", "Parameter not recognised");
const BAD_SENDER = say(501, "5.1.7", "Bad sender address syntax");
const TLS_ALREADY = say(503, "5.5.1", "TLS is already in use");
/** Closes the connection: the end of the chunk is unknown, so nothing that follows may be read. */
const BDAT_SYNTAX = closing(501, "5.5.4", "Syntax: BDAT octets [LAST]");
const BDAT_BEGUN = say(503, "5.5.1", "The body has begun with BDAT");
const TOO_MANY_MAILS = closing(421, "4.7.0", "Too many mails on this connection, connect again");

/** Syntax of the values of MAIL parameters, except those of DSN: RFC 1870, RFC 6152, RFC 6531. */
const MAIL_FORMS: ReadonlyMap<string, RegExp> = new Map([
  ["SIZE", /^\d{1,20}$/],
  ["BODY", /^(?:7BIT|8BITMIME)$/i],
  ["SMTPUTF8", /^$/],
]);

/** Every command by its verb in upper case. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["EHLO", ehlo],
  ["HELO", helo],
  ["MAIL", mail],
  ["RCPT", rcpt],
  ["DATA", data],
  ["BDAT", bdat],
  ["RSET", rset],
  ["STARTTLS", startTls],
  ["NOOP", (): Answer => OK],
  ["QUIT", (): Answer => BYE],
  ["HELP", (): Answer => HELP],
  ["VRFY", vrfy],
  ["ETRN", etrn],
  ["XCLIENT", xclient],
  ...["EXPN", "ATRN", "TURN", "AUTH", "SEND", "SOML", "SAML", "XFORWARD"].map((verb): [string, Command] => [
    verb,
    (): Answer => NOT_OFFERED,
  ]),
]);

function ehlo(session: SessionState, name: string): Answer {
  const refused = introduce(session, name, true);
  if (refused !== undefined) return refused;
  const { hostname, maxMessageSize, limits } = session.parts.settings();
  const offers = ["PIPELINING", `SIZE ${maxMessageSize}`, "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN"];
  offers.push(`LIMITS RCPTMAX=${limits.recipients} MAILMAX=${limits.mailsPerConnection}`);
  offers.push("ENHANCEDSTATUSCODES", "ETRN");
  if (session.canStartTls) offers.push("STARTTLS");
  if (session.xclient === "allowed") offers.push(XCLIENT_OFFER);
  return { reply: { code: 250, text: hostname }, more: offers };
}

function helo(session: SessionState, name: string): Answer {
  const refused = introduce(session, name, false);
  return refused ?? { reply: { code: 250, text: session.parts.settings().hostname } };
}

function introduce(session: SessionState, name: string, extended: boolean): Answer | undefined {
  if (name === "" || name.includes(" ") || name.length > LONGEST_HELO) return NEEDS_HELO_NAME;
  session.transaction = undefined;
  session.helo = name;
  session.extended = extended;
  if (session.ahead) session.early = true;
  return undefined;
}

function rset(session: SessionState, argument: string): Answer {
  if (argument !== "") return NO_ARGUMENT;
  session.transaction = undefined;
  return OK;
}

function vrfy(_session: SessionState, argument: string): Answer {
  return argument === "" ? say(501, "5.5.4", "Syntax: VRFY address") : CANNOT_VERIFY;
}

function startTls(session: SessionState, argument: string): Answer {
  if (argument !== "") return NO_ARGUMENT;
  if (session.tls !== undefined) return TLS_ALREADY;
  return session.canStartTls ? READY_FOR_TLS : NOT_OFFERED;
}

function mail(session: SessionState, argument: string): Answer {
  if (session.helo === "") return NEEDS_EHLO;
  if (session.transaction !== undefined) return NESTED_MAIL;
  if (session.mails >= session.parts.settings().limits.mailsPerConnection) return TOO_MANY_MAILS;
  const command = parsePathCommand(argument, "FROM");
  if (command.kind === "syntax") return MAIL_SYNTAX;
  if (command.kind === "parameters") return BAD_PARAMETER;
  const fault = mailParameterFault(command.parameters);
  if (fault !== undefined) return fault;
  const dsn = readMailDsn(command.parameters);
  if (dsn === undefined) return BAD_PARAMETER;
  const refused = storageFault(session, command.parameters) ?? session.parts.rates.mail(session);
  return refused ?? beginMail(session, command, dsn);
}

function mailParameterFault(parameters: ReadonlyMap<string, string>): Answer | undefined {
  for (const [keyword, value] of parameters) {
    if (MAIL_DSN.has(keyword)) continue;
    const form = MAIL_FORMS.get(keyword);
    if (form === undefined) return UNKNOWN_PARAMETER;
    if (!form.test(value)) return BAD_PARAMETER;
  }
  return undefined;
}

/** RFC 1870 §6: 552 if the mail is too big at any time, 452 if there is no room for it now. */
function storageFault(session: SessionState, parameters: ReadonlyMap<string, string>): Answer | undefined {
  const { acceptor, settings } = session.parts;
  const size = announcedSize(parameters);
  if (size > settings().maxMessageSize) return TOO_BIG;
  return acceptor.condition() === "full" || size > acceptor.room() ? FULL : undefined;
}

function announcedSize(parameters: ReadonlyMap<string, string>): number {
  return Number(parameters.get("SIZE") ?? 0);
}

function beginMail(session: SessionState, { path, parameters }: PathCommand, dsn: DsnRequest): Answer {
  const smtpUtf8 = parameters.has("SMTPUTF8");
  const sender = senderText(path);
  if (sender === undefined) return BAD_SENDER;
  if (needsSmtpUtf8(sender) && !smtpUtf8) return NEEDS_UTF8;
  const { directory, policy, offers } = session.parts;
  const subject = mailSubject(session, sender, announcedSize(parameters));
  policy.mail(subject);
  session.transaction = new Transaction({
    directory,
    policy,
    offers,
    settings: session.parts.settings(),
    subject,
    smtpUtf8,
    dsn,
    eightBit: /^8BITMIME$/i.test(parameters.get("BODY") ?? ""),
  });
  return SENDER_OK;
}

function mailSubject(session: SessionState, sender: string, announced: number): MailSubject {
  const { ip, network, helo: said, extended, early } = session;
  const spf = session.parts.policy.spf({ ip, helo: said, sender });
  return { ip, network, helo: said, extended, sender, announced, spf, ...(early && { early }) };
}

/** The return-path as it is written on the wire; empty for the null sender, undefined if it is malformed. */
function senderText(path: string): string | undefined {
  const mailbox = readMailbox(path);
  if (mailbox.kind === "null") return "";
  if (mailbox.kind === "address") return mailbox.address.text;
  return mailbox.kind === "literal" ? mailbox.text : undefined;
}

function rcpt(session: SessionState, argument: string): Later<Answer> {
  const { transaction, chunking } = session;
  if (transaction === undefined) return NEEDS_MAIL;
  if (chunking) return BDAT_BEGUN;
  const command = parsePathCommand(argument, "TO");
  if (command.kind === "syntax") return RCPT_SYNTAX;
  if (command.kind === "parameters") return BAD_PARAMETER;
  for (const keyword of command.parameters.keys()) if (!RCPT_DSN.has(keyword)) return UNKNOWN_PARAMETER;
  const dsn = readRcptDsn(command.parameters, transaction.smtpUtf8);
  if (dsn === undefined) return BAD_PARAMETER;
  return session.parts.rates.recipient(session) ?? transaction.recipient(command.path, dsn);
}

function data(session: SessionState, argument: string): Answer {
  if (argument !== "") return NO_ARGUMENT;
  const fault = bodyFault(session);
  if (fault !== undefined) return fault;
  if (!session.chunking) return GO_AHEAD;
  // RFC 3030 §2: the state of a transaction that mixes BDAT and DATA is undefined, so it is dropped.
  session.transaction = undefined;
  return BDAT_BEGUN;
}

function bodyFault({ transaction }: SessionState): Answer | undefined {
  if (transaction === undefined) return NEEDS_MAIL;
  return transaction.recipients.length === 0 ? NEEDS_RCPT : undefined;
}

/** RFC 3030 §2. The client sends the octets in any case, so a refusal is sent after them. */
function bdat(session: SessionState, argument: string): Answer {
  const [, digits, last] = /^(\d{1,15})( +LAST)?$/i.exec(argument) ?? [];
  if (digits === undefined) return BDAT_SYNTAX;
  const chunk = { octets: Number(digits), last: last !== undefined };
  return { ...(bodyFault(session) ?? OK), next: "body", chunk };
}
