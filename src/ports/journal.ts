/**
 * The journal: one call for each business event, which produces the log line, the metric and the trace entry
 * (trace.ts). Nothing else in the program logs what happens to mail.
 */
import type { Reply } from "../mail/reply.ts";
import type { DeclareResult } from "./directory.ts";
import type { DsnKind } from "./dsn.ts";
import type { ConditionChange } from "./store-condition.ts";

export type JournalEvent =
  | MailEvent
  | NoticeEvent
  | ClientEvent
  | PrimaryEvent
  | RecipientEvent
  | StoreEvent
  | ThreadEvent
  | ListEvent
  | CertificateEvent
  | ScannerEvent
  | OperatorEvent;

/** What happens to one mail. */
export type MailEvent =
  | {
      readonly kind: "mail.accepted";
      readonly id: string;
      readonly sender: string;
      readonly recipients: readonly string[];
      readonly ip: string;
      readonly helo: string;
      readonly size: number;
      readonly messageId?: string;
      /** Remarks such as `bare newlines normalised`. */
      readonly notes?: readonly string[];
      /** Why it was quarantined. */
      readonly quarantine?: string;
      /** What each check found: a list of `CheckNote` as JSON, bounded. */
      readonly checks?: string;
    }
  | {
      readonly kind: "mail.delivered" | "mail.deferred" | "mail.parked" | "mail.held" | "mail.unconfirmed";
      readonly id: string;
      readonly recipient: string;
      readonly domain: string;
      readonly destination?: string;
      readonly reply?: Reply;
      readonly why?: string;
      /** For held mail: what held it. */
      readonly reason?: "probation" | "unconfirmed" | "quarantine" | "damaged";
      /** Milliseconds from acceptance, for delivered mail. */
      readonly age?: number;
      readonly dueAt?: number;
      /** An earlier reply was lost, so this delivery may be a duplicate. */
      readonly maybeDouble?: boolean;
    };

/** Notices to senders, or the reason for sending none. */
export type NoticeEvent =
  | {
      readonly kind: "notice.written";
      /** The mail that it is about. */
      readonly id: string;
      readonly notice: string;
      readonly sender: string;
      readonly recipients: readonly string[];
      readonly about: DsnKind;
    }
  | {
      readonly kind: "notice.withheld";
      readonly id: string;
      readonly sender: string;
      readonly recipients: readonly string[];
      readonly domain: string;
      readonly about: DsnKind;
      readonly why: string;
      /** A notice would be right, but the operator's settings prevent it. */
      readonly operators: boolean;
    }
  | {
      readonly kind: "notice.sent" | "notice.deferred" | "notice.dropped";
      /** The notice's own id. */
      readonly id: string;
      readonly to: string;
      readonly destination?: string;
      readonly reply?: Reply;
      readonly why?: string;
      readonly dueAt?: number;
    };

/** A client was refused. */
export type ClientEvent = {
  readonly kind: "client.refused";
  readonly ip: string;
  readonly stage: "connect" | "helo" | "mail" | "rcpt" | "data" | "command";
  readonly reply: Reply;
  readonly sender?: string;
  readonly recipient?: string;
  /** What each check found, as in `mail.accepted`. */
  readonly checks?: string;
};

/** One check: its name, the stage, what it found, how long that took in ms, and for how many recipients. */
export type CheckNote = readonly [check: string, stage: string, said: string, took: number, times: number];

type PrimaryEvent =
  | {
      readonly kind: "primary.down";
      readonly destination: string;
      readonly domains: readonly string[];
      readonly why: string;
      readonly held: number;
    }
  | {
      readonly kind: "primary.up";
      readonly destination: string;
      readonly domains: readonly string[];
      /** Length of the outage, in ms. */
      readonly outage: number;
      readonly held: number;
    }
  | {
      readonly kind: "primary.drained";
      readonly destination: string;
      readonly delivered: number;
      readonly took: number;
    }
  | {
      /**
       * `weakened`: it no longer offers something, such as TLS; `slow`: it responds slowly, as tarpits do. Mail is
       * delivered all the same.
       */
      readonly kind: "primary.loop" | "primary.weakened" | "primary.slow";
      readonly destination: string;
      readonly domains: readonly string[];
      readonly why: string;
    }
  | {
      /** `stopped`: the domain's mail waits until an operator resumes it, or a later canary passes. */
      readonly kind: "probation.began" | "probation.stopped" | "probation.passed";
      readonly destination: string;
      readonly domain: string;
      /** Why it stopped, or why delivery resumed. */
      readonly why?: string;
      /** Recipients that wait for the domain. */
      readonly held: number;
      /** It stopped, but another primary accepts the domain's mail. */
      readonly elsewhere?: true;
    };

/** What we learn about recipients. */
export type RecipientEvent =
  | {
      /** A primary was asked whether it has a mailbox. */
      readonly kind: "recipient.asked";
      readonly recipient: string;
      readonly domain: string;
      readonly destination: string;
      readonly result: "accepted" | "refused" | "acceptAll" | "away" | "mute" | "busy";
      readonly reply?: Reply;
      readonly why?: string;
    }
  /** The primary accepted an invented address, so its answers about mailboxes prove nothing. */
  | { readonly kind: "primary.acceptAll"; readonly destination: string; readonly domain: string }
  /** A list was fetched over HTTP, or read from a file that changed. */
  | { readonly kind: "recipients.fetched"; readonly domain: string; readonly entries: number }
  /** A list could not be read, or is not credible; the previous one stays in force. */
  | {
      readonly kind: "recipients.stuck";
      readonly domain: string;
      readonly why: string;
      /** There is no previous list: unknown recipients are deferred. */
      readonly first?: true;
    };

/** `silent`: the thread has run no event-loop turn for `silence` ms; `answers`: it ran one after that time. */
interface ThreadEvent {
  readonly kind: "thread.silent" | "thread.answers";
  readonly thread: string;
  readonly silence: number;
}

type StoreEvent =
  | ({ readonly kind: "store.condition" } & ConditionChange)
  | { readonly kind: "store.recovered"; readonly unconfirmed: number }
  /** The database was checked after an unclean end; no findings: it is sound. */
  | { readonly kind: "store.checked"; readonly findings: readonly string[]; readonly took: number }
  | {
      readonly kind: "queue.oldest";
      readonly domain: string;
      readonly age: number;
      readonly recipients: number;
    }
  | {
      readonly kind: "queue.expiring";
      readonly domain: string;
      readonly share: number;
      readonly recipients: number;
    }
  /** `expired`: given up and parked; `deleted`: the retention ended before an operator decided. */
  | { readonly kind: "queue.expired" | "queue.deleted"; readonly recipients: number }
  /** The wall clock was set; `by` in ms, below zero: backwards. */
  | { readonly kind: "clock.set"; readonly by: number }
  /**
   * Nobody has decided on quarantined or parked mail. `age`: how long the mail that is deleted next has been there;
   * `left`: how long until then; in ms.
   */
  | {
      readonly kind: "quarantine.unread" | "parked.unread";
      readonly recipients: number;
      readonly age: number;
      readonly left: number;
    }
  /** A domain has reached its quota, or is below it again; what it holds, in mails and octets. */
  | {
      readonly kind: "quota.reached" | "quota.left";
      readonly domain: string;
      readonly messages: number;
      readonly bytes: number;
    };

/** A DNS list of clients failed its test and is not used, or passes it again. */
type ListEvent =
  | { readonly kind: "blocklist.sick"; readonly zone: string; readonly why: string }
  | { readonly kind: "blocklist.sound"; readonly zone: string }
  /** An address of ours is on a list of bad clients. */
  | { readonly kind: "blocklist.listsUs"; readonly zone: string; readonly ip: string };

/** The changed files of an SMTP certificate cannot be used; the certificate read before stays in use. */
interface CertificateEvent {
  readonly kind: "certificate.stuck";
  readonly file: string;
  readonly why: string;
  /** When the certificate in use expires, ms since 1970. */
  readonly expiresAt: number;
}

export type ScannerEvent =
  /** `away`: a server failed several times in a row and is suspended for a while; `back`: it answers again. */
  | {
      readonly kind: "scanner.away";
      readonly scanner: ScannerName;
      readonly server: string;
      readonly why: string;
    }
  | { readonly kind: "scanner.back"; readonly scanner: ScannerName; readonly server: string }
  /** A body was judged; it may yet be refused for another reason. */
  | {
      readonly kind: "scanner.judged";
      readonly id: string;
      readonly scanner: ScannerName;
      readonly result: "clean" | "found" | "oversize" | "away";
      /** What was found, or why there is no answer. */
      readonly what?: string;
      /** Milliseconds after the last octet. */
      readonly took: number;
    };

export type ScannerName = "clamav" | "rspamd";

/** `who` for everything that comes over the Unix socket. */
export const SOCKET_CALLER = "socket";

export type OperatorEvent =
  | {
      readonly kind: "operator.acted";
      readonly verb: string;
      /** SOCKET_CALLER, or the name of a token. */
      readonly who: string;
      readonly what: string;
      readonly count: number;
      /** The mail, if the action concerned a single one. */
      readonly id?: string;
      /** Senders and recipients that the request named. */
      readonly addresses?: readonly string[];
    }
  | (DeclareResult & {
      readonly kind: "config.reloaded";
      /** Keys that have changed, but take effect at a restart only. */
      readonly restart?: readonly string[];
      /** What was probably not intended, or does not take effect everywhere. */
      readonly warnings?: readonly string[];
    })
  | { readonly kind: "config.refused"; readonly errors: readonly string[] };

export interface Journal {
  /** Never throws, never waits. */
  record(event: JournalEvent): void;
}
