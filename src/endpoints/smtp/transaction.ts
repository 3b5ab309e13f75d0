/**
 * One mail transaction, RFC 5321 §3.3, without a socket: the sender, the recipients and the settings. It keeps the
 * directory's generation and the settings with which it began, even if they change meanwhile.
 *
 * Invariant: all recipients share one content profile, because one body gets one reply.
 */
import { needsSmtpUtf8, parseAddress, type Address } from "../../mail/address.ts";
import type { DsnRecipient, DsnRequest } from "../../mail/dsn.ts";
import type { HeaderFacts } from "../../mail/header-scanner.ts";
import { readMailbox } from "../../mail/path.ts";
import type { Verdict } from "../../mail/verdict.ts";
import type { DirectoryReader, DomainRecord } from "../../ports/directory.ts";
import type { PrimaryOffers } from "../../ports/health.ts";
import type { NewRecipient } from "../../ports/intake.ts";
import { andThen, type Later } from "../../runtime/at-once.ts";
import {
  Looks,
  type Content,
  type MailSubject,
  type Policy,
  type RcptSubject,
} from "../../services/policy/policy.ts";
import { fixed, NEEDS_UTF8, say, TOO_BIG, TROUBLE, type Answer } from "./answer.ts";
import type { SmtpSettings } from "./settings.ts";

interface TransactionParts {
  readonly directory: Pick<DirectoryReader, "generation" | "domain">;
  readonly policy: Policy;
  readonly offers: (domain: string) => PrimaryOffers | undefined;
  readonly settings: SmtpSettings;
  readonly subject: MailSubject;
  readonly smtpUtf8: boolean;
  /** BODY=8BITMIME was given. */
  readonly eightBit: boolean;
  /** RET and ENVID. */
  readonly dsn: DsnRequest;
}

/** How a body is treated. Recipients with different profiles cannot share a transaction. */
interface ContentProfile {
  readonly bareNewlines: DomainRecord["settings"]["bareNewlines"];
  readonly content: Content;
  /** The client asked for SMTPUTF8, and no primary of the domain offers it. */
  readonly lacksUtf8: boolean;
}

interface Target {
  readonly address: Address;
  readonly certain: boolean;
}

const ACCEPTED = fixed(say(250, "2.1.5", "Ok"));
const NAMED_BEFORE: Answer = { ...ACCEPTED, idle: true };
const BAD_SYNTAX = say(501, "5.1.3", "Bad recipient address syntax");
const RELAY_DENIED = say(550, "5.7.1", "Relay access denied");
const NO_POSTMASTER = say(550, "5.1.1", "No postmaster is set here");
const PRIMARY_LACKS_UTF8 = say(553, "5.6.7", "The server of this domain does not take SMTPUTF8");
const TOO_MANY = say(452, "4.5.3", "Too many recipients");
const OTHER_PROFILE = say(452, "4.5.3", "Send this recipient in a transaction of its own");

/** Octets that our own header fields and corrected line ends may add to a mail before it reaches the primary. */
const GROWTH = 2048;

export class Transaction {
  readonly settings: SmtpSettings;
  readonly subject: MailSubject;
  readonly smtpUtf8: boolean;
  readonly eightBit: boolean;
  readonly dsn: DsnRequest;
  readonly recipients: NewRecipient[] = [];
  /** Header fields that checks add. */
  readonly tags: string[] = [];
  /** Results of the checks for the accepted recipients and the body. Undefined if nothing is traced. */
  readonly looks: Looks | undefined;
  profile: ContentProfile | undefined;
  /** The largest body in octets that all recipients accept. */
  sizeLimit: number;
  readonly #parts: TransactionParts;
  readonly #generation: number;
  /** The domains of the recipients, by name. */
  readonly #domains = new Map<string, DomainRecord>();

  constructor(parts: TransactionParts) {
    this.#parts = parts;
    this.settings = parts.settings;
    this.looks = parts.settings.traced ? new Looks() : undefined;
    this.sizeLimit = parts.settings.maxMessageSize;
    this.subject = parts.subject;
    this.smtpUtf8 = parts.smtpUtf8;
    this.eightBit = parts.eightBit;
    this.dsn = parts.dsn;
    this.#generation = parts.directory.generation();
  }

  /** Decides on one RCPT. `path` is the text between the angle brackets, `dsn` the NOTIFY and ORCPT parameters. */
  recipient(path: string, dsn: DsnRecipient = {}): Later<Answer> {
    if (this.recipients.length >= this.settings.limits.recipients) return TOO_MANY;
    const target = this.#target(path);
    return "reply" in target ? target : this.#decide(target, dsn);
  }

  /**
   * Whether the mail needs SMTPUTF8 on its way to the primary (RFC 6531 §3.2), according to its addresses and header.
   * That the client asked for it is not enough: large senders ask for it wherever it is offered.
   */
  needsUtf8({ foreign }: Pick<HeaderFacts, "foreign">): boolean {
    if (!this.smtpUtf8) return false;
    return foreign === true || needsSmtpUtf8(this.subject.sender) || this.recipients.some(isForeign);
  }

  /** Tells the checks that the mail is stored. */
  taken(): void {
    this.#parts.policy.taken(this.subject, [...this.#domains.values()]);
  }

  #decide({ address, certain }: Target, dsn: DsnRecipient): Later<Answer> {
    const domain = this.#domain(address.domain);
    const subject = { ...this.subject, recipient: address, domain, certain };
    const looks = this.looks && new Looks();
    const verdict = this.#parts.policy.rcpt(subject, looks);
    return andThen(verdict, (known) => this.#admit(known, subject, { dsn, looks }));
  }

  #admit(
    verdict: Verdict,
    subject: RcptSubject,
    { dsn, looks }: { readonly dsn: DsnRecipient; readonly looks: Looks | undefined },
  ): Answer {
    const { recipient: address, domain } = subject;
    const about = { recipient: address.text };
    if (verdict.kind === "reject" || verdict.kind === "defer") {
      const checks = looks?.packed();
      return { reply: verdict.reply, about: { ...about, ...(checks !== undefined && { checks }) } };
    }
    if (domain === undefined) return { ...TROUBLE, about };
    const recipient: NewRecipient = { address: address.text, domain: address.domain, ...dsn };
    const unfit = this.#unfit(domain, recipient);
    if (unfit !== undefined) return { ...unfit, about };
    const profile: ContentProfile = {
      bareNewlines: domain.settings.bareNewlines,
      content: this.#parts.policy.content(subject),
      lacksUtf8: this.#lacksUtf8(domain),
    };
    if (this.profile !== undefined && !alike(this.profile, profile)) return { ...OTHER_PROFILE, about };
    this.profile ??= profile;
    this.sizeLimit = Math.min(this.sizeLimit, this.#limitOf(domain));
    if (looks !== undefined) this.looks?.join(looks);
    if (verdict.kind === "tag") this.#tag(verdict.field);
    if (this.recipients.some((known) => known.address === recipient.address)) return NAMED_BEFORE;
    this.recipients.push(recipient);
    this.#domains.set(domain.name, domain);
    return ACCEPTED;
  }

  /** Refuses what the domain's primaries would refuse, so that it does not bounce from the queue later. */
  #unfit(domain: DomainRecord, recipient: NewRecipient): Answer | undefined {
    const limit = this.#limitOf(domain);
    const { announced, sender } = this.subject;
    if (this.#lacksUtf8(domain) && (needsSmtpUtf8(sender) || isForeign(recipient))) return PRIMARY_LACKS_UTF8;
    if (announced > limit) return TOO_BIG;
    const others = this.recipients.length > 0 && limit !== this.sizeLimit;
    return others && announced === 0 ? OTHER_PROFILE : undefined;
  }

  #lacksUtf8({ name }: DomainRecord): boolean {
    return this.smtpUtf8 && this.#parts.offers(name)?.smtpUtf8 === false;
  }

  #limitOf({ name }: DomainRecord): number {
    const size = this.#parts.offers(name)?.size ?? Infinity;
    return Math.min(this.settings.maxMessageSize, Math.max(0, size - GROWTH));
  }

  /** Adds each field once. `text` may contain several fields. */
  #tag(text: string): void {
    for (const field of text.split(/\r\n(?![ \t])/)) if (!this.tags.includes(field)) this.tags.push(field);
  }

  /** The recipient that the path names, or a refusal. */
  #target(path: string): Target | Answer {
    const mailbox = readMailbox(path);
    if (mailbox.kind === "postmaster") return this.#postmaster() ?? NO_POSTMASTER;
    if (mailbox.kind === "literal") return RELAY_DENIED;
    if (mailbox.kind !== "address") return BAD_SYNTAX;
    const { address } = mailbox;
    if (needsSmtpUtf8(address.text) && !this.smtpUtf8) return NEEDS_UTF8;
    const ours = address.local === "postmaster" && address.domain === this.settings.hostname;
    const postmaster = ours ? this.#postmaster() : undefined;
    if (postmaster !== undefined) return postmaster;
    return ours && this.#domain(address.domain) === undefined ? NO_POSTMASTER : { address, certain: false };
  }

  /** The operator's address. Undefined if none is set or if it is in no domain that we serve. */
  #postmaster(): Target | undefined {
    const address = parseAddress(this.settings.postmaster ?? "");
    if (address === undefined || this.#domain(address.domain) === undefined) return undefined;
    return { address, certain: true };
  }

  #domain(name: string): DomainRecord | undefined {
    return this.#parts.directory.domain(name, this.#generation);
  }
}

/** Whether the recipient, or its original address (ORCPT), needs SMTPUTF8. */
function isForeign({ address, orcpt = "" }: NewRecipient): boolean {
  return needsSmtpUtf8(address) || needsSmtpUtf8(orcpt);
}

function alike(one: ContentProfile, other: ContentProfile): boolean {
  return (
    one.bareNewlines === other.bareNewlines &&
    one.content.key === other.content.key &&
    one.lacksUtf8 === other.lacksUtf8
  );
}
