import { reply, type Reply } from "../../../mail/reply.ts";
import { accepted, type Verdict } from "../../../mail/verdict.ts";
import { andThen, type Later } from "../../../runtime/at-once.ts";
import type { Admission, Recipients } from "../../recipients/recipients.ts";
import type { RcptSubject, Said, StageCheck } from "../check.ts";

type Why = Extract<Admission, { why: unknown }>;

const REFUSED: Readonly<Record<Extract<Why, { kind: "reject" }>["why"], Reply>> = {
  unknown: reply(550, "5.1.1", "No such mailbox here"),
  refused: reply(550, "5.1.1", "No such mailbox here, says the server of the domain"),
  outage: reply(550, "5.1.1", "Mailbox not known here, and the server of the domain is away"),
};

const PUT_OFF: Readonly<Record<Extract<Why, { kind: "defer" }>["why"], Reply>> = {
  doubted: reply(450, "4.1.1", "The server of the domain refuses this mailbox at present, try again later"),
  unverified: reply(450, "4.1.1", "This mailbox could not be verified yet, try again later"),
  outage: reply(
    450,
    "4.1.1",
    "Mailbox not known here, and the server of the domain is away; try again later",
  ),
  strangers: reply(450, "4.7.1", "Too many unknown mailboxes named by your network, try again later"),
  unlisted: reply(450, "4.1.1", "The mailboxes of the domain are not known yet, try again later"),
};

/** The reply to an admission. Undefined if the recipient is accepted. */
export function replyTo(admission: Admission): Reply | undefined {
  if (admission.kind === "accept") return undefined;
  return admission.kind === "reject" ? REFUSED[admission.why] : PUT_OFF[admission.why];
}

/** Checks that the mailbox exists according to lists and memory. */
export function recipientCheck(recipients: Recipients): StageCheck<"rcpt"> {
  const run = (subject: RcptSubject): Later<Said> =>
    subject.domain?.settings.callout === true ? undefined : judge(subject, recipients);
  return { name: "recipient", stage: "rcpt", run };
}

/** The same for domains whose primary may be asked. It runs last, so that no primary is asked for refused clients. */
export function calloutCheck(recipients: Recipients): StageCheck<"rcpt"> {
  const run = (subject: RcptSubject): Later<Said> =>
    subject.domain?.settings.callout === true ? judge(subject, recipients) : undefined;
  return { name: "callout", stage: "rcpt", last: true, run };
}

function judge({ recipient, domain, certain, network }: RcptSubject, recipients: Recipients): Later<Said> {
  if (domain === undefined || certain) return undefined;
  return andThen(recipients.admit(domain, recipient, network), verdictOf);
}

const ACCEPTED: Readonly<Record<Extract<Admission, { kind: "accept" }>["why"], Verdict>> = {
  file: accepted("in the configured list"),
  api: accepted("in the list from the API"),
  url: accepted("in the fetched list"),
  postmaster: accepted("postmaster is always valid"),
  catchAll: accepted("the domain accepts every address"),
  callout: accepted("its primary said that it exists"),
  delivery: accepted("its primary accepted mail for it"),
  acceptAll: accepted("its primary accepts every address"),
  outage: accepted("unknown, and no primary can be asked"),
};

function verdictOf(admission: Admission): Verdict {
  if (admission.kind === "accept") return ACCEPTED[admission.why];
  return admission.kind === "reject"
    ? { kind: "reject", reply: REFUSED[admission.why] }
    : { kind: "defer", reply: PUT_OFF[admission.why] };
}
