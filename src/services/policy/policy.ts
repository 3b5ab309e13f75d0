/**
 * What we decide about clients, recipients and bodies: runs the checks of `checks/checks.ts` by stage and merges
 * what they say. Checks at connect, HELO and MAIL begin when their stage comes and leave findings; nobody waits
 * for them until a recipient is named. At RCPT the findings and the checks of that stage become one verdict for
 * that recipient's domain, at DATA those of the body. Inspections watch the body itself (examination.ts).
 *
 * Invariants: the strictest verdict wins, of equals the first in the list. `postmaster` is exempt from checks of
 * reputation. A check that fails or takes longer than LONGEST_CHECK defers with 451 4.3.0, never rejects.
 * Without an asynchronous check every answer comes at once, without a promise.
 */
import { reply } from "../../mail/reply.ts";
import type { Verdict } from "../../mail/verdict.ts";
import { ACCEPT, strictest, together } from "../../mail/verdict.ts";
import type { Authentication, Authenticator, SpfAnswer } from "../../ports/authentication.ts";
import type { AccessRule, CheckSettings } from "../../ports/checks.ts";
import type { DomainRecord } from "../../ports/directory.ts";
import type { ContentView, InspectedMail, Inspection } from "../../ports/inspection.ts";
import type { Resolver } from "../../ports/resolver.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import type { Recipients } from "../recipients/recipients.ts";
import { AccessRules } from "./access-rules.ts";
import { authenticationOf } from "./authenticate.ts";
import type {
  Check,
  ConnectSubject,
  DataSubject,
  Finding,
  HeloSubject,
  MailSubject,
  RcptSubject,
  Stage,
  StageCheck,
  Subjects,
} from "./check.ts";
import { allChecks } from "./checks/checks.ts";
import type { DnsblParts } from "./checks/dnsbl.ts";
import type { GreylistParts } from "./checks/greylist.ts";
import type { Examination } from "./examination.ts";
import { examine } from "./examination.ts";
import { SpfInquiry } from "./spf-inquiry.ts";

export type { Examination, Examined } from "./examination.ts";
export { scannerInspections } from "./inspections/inspections.ts";
export { ListHealth } from "./list-health.ts";
export { OwnListing } from "./own-listing.ts";
export type { Check, ConnectSubject, DataSubject, Finding, HeloSubject, MailSubject, RcptSubject };

export interface PolicyParts {
  readonly recipients: Recipients;
  /** What the operator set; absent: every check is off. */
  readonly settings?: () => CheckSettings;
  /** Our own name, which no client may say for its own. */
  readonly hostname?: string;
  /** Absent: nothing is asked of the DNS about clients and senders. */
  readonly resolver?: Resolver;
  /** Absent: nothing is asked about who stands behind a mail. */
  readonly authenticator?: Authenticator;
  /** The memory of greylisting; absent: nobody is put off. */
  readonly greylist?: GreylistParts;
  /** Lists of clients in the DNS; absent: none is asked. */
  readonly dnsbl?: DnsblParts;
  /** Domains over their quota; absent: none. */
  readonly isFull?: (domain: string) => boolean;
  /** Those who look at bodies; absent: nobody does. */
  readonly inspections?: readonly Inspection[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Instead of all checks; for tests. */
  readonly checks?: readonly Check[];
}

/** How a recipient wants the content of its mail treated. */
export interface Content extends ContentView {
  /** Recipients whose keys differ cannot share a mail. */
  readonly key: string;
}

/** What is known of who stands behind a mail: to be stored, and to be told. */
export interface Findings {
  readonly authentication: Authentication;
  readonly spf?: SpfAnswer;
}

type Answer = Verdict | Promise<Verdict>;

/** Longest time that one check may take, in ms. */
const LONGEST_CHECK = 20_000;

const FAILED: Verdict = { kind: "defer", reply: reply(451, "4.3.0", "Temporary trouble, try again later") };
const ALL_OFF: CheckSettings = { dnsbl: "off" };
const NONE: readonly Finding[] = [];
const UNSEEN: Content = { key: "", own: undefined, exempt: false };

export class Policy {
  readonly #parts: PolicyParts;
  readonly #checks: readonly Check[];
  readonly #settings: () => CheckSettings;
  readonly #access = new AccessRules();
  readonly #hasLast: boolean;

  constructor(parts: PolicyParts) {
    this.#parts = parts;
    this.#settings = parts.settings ?? (() => ALL_OFF);
    this.#checks = parts.checks ?? allChecks({ ...parts, settings: this.#settings });
    this.#hasLast = this.#checks.some((check) => check.last);
  }

  connect(subject: ConnectSubject): readonly Finding[] {
    return this.#begin("connect", subject);
  }

  /** The client's name that points back to it, for the Received field; undefined at once where nobody asks. */
  async clientName(ip: string): Promise<string | undefined> {
    const { resolver } = this.#parts;
    if (resolver === undefined || (this.#settings().clientName ?? "off") === "off") return undefined;
    const lookup = await resolver.confirmedName(ip);
    return lookup.kind === "found" ? lookup.records[0] : undefined;
  }

  /** The question about the sender's domain, asked at once where it is wanted for all. */
  spf({ ip, helo, sender }: MailSubject): SpfInquiry | undefined {
    const { authenticator } = this.#parts;
    if (authenticator === undefined) return undefined;
    const inquiry = new SpfInquiry(authenticator, { ip, helo, sender });
    if ((this.#settings().spf ?? "off") !== "off") void inquiry.answer();
    return inquiry;
  }

  /** What was found about who stands behind the mail; undefined where nothing was asked. */
  async authenticate({ sender, spf: inquiry }: MailSubject): Promise<Findings | undefined> {
    const spf = await inquiry?.asked;
    const authentication = authenticationOf({ sender, ...(spf !== undefined && { spf }) });
    return authentication && { authentication, ...(spf !== undefined && { spf }) };
  }

  helo(subject: HeloSubject): readonly Finding[] {
    return this.#begin("helo", subject);
  }

  mail(subject: MailSubject): readonly Finding[] {
    return this.#begin("mail", subject);
  }

  /** The verdict on one recipient, from its own checks and from what was found before. */
  rcpt(subject: RcptSubject, found: readonly Finding[]): Answer {
    const own = this.#begin("rcpt", subject);
    const first = strictest(settled(own));
    if (first.kind === "reject") return first;
    const rule = this.#rule(subject);
    if (rule?.action === "block") return blocked(rule, this.#settings().contact);
    const exempt = rule?.action === "allow" || subject.recipient.local === "postmaster";
    const verdict = merge([...own, ...found], { domain: subject.domain, exempt });
    if (exempt || !this.#hasLast) return verdict;
    return verdict instanceof Promise
      ? verdict.then((late) => this.#last(subject, late))
      : this.#last(subject, verdict);
  }

  /** The checks that only count where all others have let the recipient pass. */
  #last(subject: RcptSubject, verdict: Verdict): Answer {
    if (verdict.kind !== "accept" && verdict.kind !== "tag") return verdict;
    const findings = this.#begin("rcpt", subject, true);
    if (findings.length === 0) return verdict;
    const last = merge(findings, { domain: subject.domain, exempt: false });
    return last instanceof Promise
      ? last.then((late) => together([late, verdict]))
      : together([last, verdict]);
  }

  /** The operator's rule for this client and recipient; `postmaster` may be written to by everybody. */
  #rule(subject: RcptSubject): AccessRule | undefined {
    const { access } = this.#settings();
    if (access === undefined || access.length === 0 || subject.domain === undefined) return undefined;
    const rule = this.#access.find(access, subject, this.#parts.clock.now());
    return rule?.action === "block" && subject.recipient.local === "postmaster" ? undefined : rule;
  }

  data(subject: DataSubject): Answer {
    return merge(this.#begin("data", subject), { domain: undefined, exempt: false });
  }

  /** How the content of mail for this recipient is treated, which its verdict let pass. */
  content(subject: RcptSubject): Content {
    const { inspections = [] } = this.#parts;
    if (inspections.length === 0) return UNSEEN;
    const exempt = subject.recipient.local === "postmaster" || this.#rule(subject)?.action === "allow";
    const view = { own: subject.domain?.settings.checks, exempt };
    return { ...view, key: inspections.map((inspection) => inspection.profile(view)).join("\n") };
  }

  /** Begins to look at a body; undefined where nobody does. */
  examine(mail: InspectedMail): Examination | undefined {
    const { inspections = [] } = this.#parts;
    return inspections.length === 0 ? undefined : examine(inspections, mail, this.#parts);
  }

  #begin<S extends Stage>(stage: S, subject: Subjects[S], last = false): readonly Finding[] {
    let findings: Finding[] | undefined;
    for (const check of this.#checks) {
      if (check.stage !== stage || (check.last ?? false) !== last) continue;
      const verdict = this.#run(check as StageCheck<S>, subject);
      if (verdict instanceof Promise || verdict.kind !== "accept") (findings ??= []).push({ check, verdict });
    }
    return findings ?? NONE;
  }

  #run<S extends Stage>(check: StageCheck<S>, subject: Subjects[S]): Answer {
    const fail = (error: unknown): Verdict => {
      const stack = error instanceof Error ? error.stack : String(error);
      this.#parts.log.error("policy.check.failed", { check: check.name, stack });
      return FAILED;
    };
    try {
      const verdict = check.run(subject);
      return verdict instanceof Promise ? this.#inTime(verdict).catch(fail) : verdict;
    } catch (error) {
      return fail(error);
    }
  }

  #inTime(verdict: Promise<Verdict>): Promise<Verdict> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new Error(`no answer within ${LONGEST_CHECK} ms`));
      const timer = this.#parts.clock.after(LONGEST_CHECK, late);
      verdict.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}

/** The note stays with the operator: it may say more than a spammer should know. */
function blocked({ until }: AccessRule, contact: string | undefined): Verdict {
  const words = ["Refused by the operator of this host", contact].filter(Boolean).join("; ");
  // A rule with an end is a matter of time, and the client may come again after it.
  return until === undefined
    ? { kind: "reject", reply: reply(554, "5.7.1", words) }
    : { kind: "defer", reply: reply(451, "4.7.1", words) };
}

interface View {
  readonly domain: DomainRecord | undefined;
  /** Checks of reputation do not count. */
  readonly exempt: boolean;
}

function merge(findings: readonly Finding[], view: View): Answer {
  if (findings.length === 0) return ACCEPT;
  const counting = findings.filter((finding) => !(view.exempt && finding.check.reputation === true));
  const judged = counting.map(({ check, verdict }) =>
    verdict instanceof Promise
      ? verdict.then((late) => judge(check, late, view))
      : judge(check, verdict, view),
  );
  const waits = judged.some((verdict) => verdict instanceof Promise);
  return waits ? Promise.all(judged).then(together) : together(judged as Verdict[]);
}

function judge(check: Check, verdict: Verdict, { domain }: View): Verdict {
  return domain === undefined ? verdict : (check.judge?.(verdict, domain) ?? verdict);
}

function settled(findings: readonly Finding[]): Verdict[] {
  return findings.flatMap(({ verdict }) => (verdict instanceof Promise ? [] : [verdict]));
}
