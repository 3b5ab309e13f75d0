/** Limits on SMTP clients, as configured by the operator and enforced by the SMTP server. */

/** Limits on one client, for each SMTP connection unless stated otherwise; times in ms. */
export interface SmtpLimits {
  /** Longest wait for a whole command. */
  readonly commandTimeout: number;
  /** Longest TLS handshake. */
  readonly handshakeTimeout: number;
  /** Longest wait for a PROXY header. */
  readonly proxyTimeout: number;
  /** Octets of a command line, CRLF not counted. */
  readonly commandLine: number;
  /** Longest silence within a body. */
  readonly dataTimeout: number;
  /** Least octets per second, measured over 60 s of a body in which octets arrived. */
  readonly minDataRate: number;
  /** Commands that serve no accepted recipient or mail. */
  readonly commands: number;
  /** Such commands since the last accepted mail. */
  readonly commandsWithoutMail: number;
  /** Refused recipients; the next refusal after that closes the connection. */
  readonly refusedRecipients: number;
  /** Recipients of one mail; at least 100, RFC 5321 §4.5.3.1.8. */
  readonly recipients: number;
  /** All connections, of all threads together. */
  readonly connections: number;
  /** Connections of one client network (/24 or /64). */
  readonly connectionsPerClient: number;
  /** Connections of one address; absent: no limit on addresses. */
  readonly connectionsPerAddress?: number;
  readonly mailsPerConnection: number;
  /** Octets of a header section. */
  readonly headerSize: number;
  /** Header fields. */
  readonly headerFields: number;
  /** Received fields. */
  readonly received: number;
  /** Received fields that name us. */
  readonly ownReceived: number;
  /** Unknown, malformed or misplaced commands. */
  readonly errors: number;
  /** Octets of bodies in memory, of all connections together; the store enforces it. */
  readonly bodyMemory: number;
  /** Octets of memory that the whole process may hold before new connections are refused. */
  readonly memory: number;
}

/** The tighter limits while connections or memory run short; shares from 0 to 1, times in ms. */
export interface SmtpStress {
  /** Share of `connections` or of `memory` at which the stress begins, and the lower one below which it ends. */
  readonly begins: number;
  readonly ends: number;
  readonly commandTimeout: number;
  readonly dataTimeout: number;
  readonly commandsWithoutMail: number;
  readonly refusedRecipients: number;
  readonly errors: number;
  /** Share of `connections` that one client network may hold. */
  readonly networkShare: number;
}

/** Limits on one client network (/24 or /64) in one period, over all threads. */
export interface SmtpRates extends SmtpRateCaps {
  /** Length in ms. */
  readonly period: number;
  /** Limits on one address. */
  readonly address?: SmtpRateCaps;
}

/** An absent one means no limit. */
export interface SmtpRateCaps {
  readonly connections?: number;
  readonly mails?: number;
  readonly recipients?: number;
  readonly refusedRecipients?: number;
  /** Size of all bodies together. */
  readonly kibibytes?: number;
}
