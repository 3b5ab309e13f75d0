/**
 * Decides about clients, recipients and bodies. It runs the checks of `checks/checks.ts` and merges their results: at
 * RCPT into one verdict, because only then is it known which domain's settings apply, and at DATA into one for the
 * body. Checks send their queries at connect and at MAIL; the answers are awaited at RCPT only. Inspections examine the
 * body itself (examination.ts).
 *
 * Invariants: the strictest verdict wins; of equally strict ones, the first in the list. `postmaster` is exempt from
 * reputation checks. A check that fails or takes longer than 20 s defers with 451 4.3.0, never rejects
 * (check-runner.ts). Without an asynchronous check, every answer is returned synchronously, without a promise.
 */
import { foldCase } from "../../mail/address.ts";
import { accepted, together, type Verdict } from "../../mail/verdict.ts";
import type { Authenticator, BodyProof } from "../../ports/authentication.ts";
import type { AccessRule, CheckSettings } from "../../ports/checks.ts";
import type { DomainRecord } from "../../ports/directory.ts";
import type { AllowedSenders } from "../../ports/quarantine.ts";
import type { ContentView, InspectedMail, Inspection } from "../../ports/inspection.ts";
import type { Resolver } from "../../ports/resolver.ts";
import type { Clock } from "../../runtime/clock.ts";
import { andThen, type Later } from "../../runtime/at-once.ts";
import type { Logger } from "../../runtime/log.ts";
import { AccessRules, blocked } from "./access-rules.ts";
import { resultsOf, type AuthenticationResults } from "./authentication-results.ts";
import type { Check, ConnectSubject, DataSubject, MailSubject, RcptSubject } from "./check.ts";
import { CheckRunner } from "./check-runner.ts";
import { lineUp, type Lineup } from "./lineup.ts";
import type { Looks } from "./looks.ts";
import { merge, noteAll, strictestFact } from "./merging.ts";
import { examine, type Examination } from "./examination.ts";
import { SpfInquiry, wantsSpf } from "./spf-inquiry.ts";

export { allChecks } from "./checks/checks.ts";
export type { CheckParts } from "./checks/checks.ts";
export { replyTo } from "./checks/recipient.ts";
export { RELAY_DENIED } from "./checks/relay.ts";
export type { Examination, Examined } from "./examination.ts";
export { allInspections } from "./inspections/inspections.ts";
export type { AuthenticationResults } from "./authentication-results.ts";
export { ListHealth } from "./list-health.ts";
export { Looks } from "./looks.ts";
export { OwnListing } from "./own-listing.ts";
export type { Check, ConnectSubject, MailSubject, RcptSubject };

export interface PolicyParts {
  readonly checks: readonly Check[];
  /** The inspections of bodies. */
  readonly inspections: readonly Inspection[];
  /** The operator's settings. */
  readonly settings: () => CheckSettings;
  readonly resolver: Pick<Resolver, "confirmedName">;
  readonly authenticator: Authenticator;
  /** Senders whose mail is exempt from judgements of reputation. */
  readonly allowedSenders: Pick<AllowedSenders, "has">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How a recipient wants the content of its mail treated. */
export interface Content extends ContentView {
  /** Recipients whose keys differ cannot share a mail. */
  readonly key: string;
}

export class Policy {
  readonly #parts: PolicyParts;
  readonly #access = new AccessRules();
  readonly #lineup: Lineup;
  readonly #runner: CheckRunner;

  constructor(parts: PolicyParts) {
    this.#parts = parts;
    this.#runner = new CheckRunner(parts);
    this.#lineup = lineUp(parts.checks);
  }

  /** Notifies checks that a client has connected. */
  connect(subject: ConnectSubject): void {
    this.#runner.tell(this.#lineup.all, (check) => check.atConnect?.(subject));
  }

  /** Notifies checks of MAIL. */
  mail(subject: MailSubject): void {
    this.#runner.tell(this.#lineup.all, (check) => check.atMail?.(subject));
  }

  /** The client's forward-confirmed name, for the Received field. Undefined if there is none or the check is off. */
  async clientName(ip: string): Promise<string | undefined> {
    const { resolver, settings } = this.#parts;
    if ((settings().clientName ?? "off") === "off") return undefined;
    const lookup = await resolver.confirmedName(ip);
    return lookup.kind === "found" ? lookup.records[0] : undefined;
  }

  /** The SPF evaluation of one transaction. It is started at once if the settings for all domains need it. */
  spf({ ip, helo, sender }: Pick<MailSubject, "ip" | "helo" | "sender">): SpfInquiry {
    const { authenticator, settings } = this.#parts;
    const inquiry = new SpfInquiry(authenticator, { ip, helo, sender });
    if (wantsSpf(settings())) void inquiry.answer();
    return inquiry;
  }

  /** Results of sender authentication. Returns undefined synchronously if nothing was checked. */
  authenticate({ sender, spf }: MailSubject, proof?: BodyProof): Later<AuthenticationResults | undefined> {
    const asked = spf?.asked;
    if (asked === undefined) return proof && resultsOf({ sender, proof });
    return asked.then((answer) => resultsOf({ sender, spf: answer, ...(proof !== undefined && { proof }) }));
  }

  /** The verdict on one recipient. The results of the checks are added to `looks`. */
  rcpt(subject: RcptSubject, looks?: Looks): Later<Verdict> {
    const results = this.#runner.begin(this.#lineup.rcpt, subject);
    // This rejection does not judge reputation, so no rule of the operator can change it.
    const first = strictestFact(results);
    if (first.kind === "reject") {
      noteAll(results, looks);
      return first;
    }
    const rule = this.#rule(subject);
    const block = rule?.action === "block" ? blocked(rule, this.#parts.settings().contact) : undefined;
    if (block !== undefined) {
      looks?.note("access", "rcpt", block);
      return block;
    }
    const exempt = rule?.action === "allow" || isPostmaster(subject);
    if (exempt) looks?.note("access", "rcpt", accepted(exemption(rule)));
    const verdict = merge(results, { exempt, looks });
    if (this.#lineup.last.length === 0) return verdict;
    return andThen(verdict, (soFar) => this.#last(subject, soFar, { exempt, looks }));
  }

  /** Runs the checks that apply only if all others have accepted the recipient. */
  #last(
    subject: RcptSubject,
    verdict: Verdict,
    { exempt, looks }: { readonly exempt: boolean; readonly looks: Looks | undefined },
  ): Later<Verdict> {
    if (verdict.kind !== "accept" && verdict.kind !== "tag") return verdict;
    const results = this.#runner.begin(exempt ? this.#lineup.lastFacts : this.#lineup.last, subject);
    if (results.length === 0) return verdict;
    return andThen(merge(results, { exempt, looks }), (last) => together([last, verdict]));
  }

  /** The operator's rule for this client and recipient. Rules that block do not apply to `postmaster`. */
  #rule(subject: RcptSubject): AccessRule | undefined {
    const { access } = this.#parts.settings();
    if (access === undefined || access.length === 0 || subject.domain === undefined) return undefined;
    const rule = this.#access.find(access, subject, this.#parts.clock.now());
    return rule?.action === "block" && isPostmaster(subject) ? undefined : rule;
  }

  /** The verdict on a body, according to its header. */
  data(subject: DataSubject, looks?: Looks): Later<Verdict> {
    return merge(this.#runner.begin(this.#lineup.data, subject), { exempt: false, looks });
  }

  /** Notifies checks that a mail of this transaction was accepted for these domains. */
  taken(subject: MailSubject, domains: readonly DomainRecord[]): void {
    this.#runner.tell(this.#lineup.all, (check) => check.taken?.(subject, domains));
  }

  /** How the content of mail for this recipient is treated. The recipient has been accepted. */
  content(subject: RcptSubject): Content {
    const { inspections } = this.#parts;
    const own = subject.domain?.settings.checks;
    const keyOf = (view: ContentView): string =>
      inspections.map((inspection) => inspection.profile(view)).join("\n");
    const strict: Content = { own, exempt: false, key: keyOf({ own, exempt: false }) };
    // Without inspections there is nothing to be exempt from.
    if (strict.key.trim() === "" || !this.#exempt(subject)) return strict;
    return { own, exempt: true, key: keyOf({ own, exempt: true }) };
  }

  #exempt(subject: RcptSubject): boolean {
    const { recipient, sender } = subject;
    if (isPostmaster(subject) || this.#rule(subject)?.action === "allow") return true;
    return this.#parts.allowedSenders.has(foldCase(sender), recipient.domain);
  }

  /** Begins the inspections of a body. Undefined if there are none. */
  examine(mail: InspectedMail): Examination | undefined {
    return examine(this.#parts.inspections, mail, this.#parts);
  }
}

/** Whether the client named `postmaster`, in any of our domains or without a domain. */
function isPostmaster({ recipient, certain }: RcptSubject): boolean {
  return certain || recipient.local === "postmaster";
}

function exemption(rule: AccessRule | undefined): string {
  if (rule === undefined) return "postmaster: reputation does not count";
  return `allowed by the operator${rule.note === undefined ? "" : ` (${rule.note})`}: reputation does not count`;
}
