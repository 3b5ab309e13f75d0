import { normaliseDomain } from "../../../mail/domain.ts";
import { accepted } from "../../../mail/verdict.ts";
import type { CheckSettings } from "../../../ports/checks.ts";
import type { RecordSource } from "../../../ports/resolver.ts";
import { whenKnown, andThen, type Later } from "../../../runtime/at-once.ts";
import type { MailSubject, RcptSubject, Said, StageCheck } from "../check.ts";
import { judgeFault, type Fault } from "./fault.ts";
import { senderDomainOf } from "./known-keys.ts";

interface SenderDomainParts {
  readonly settings: () => CheckSettings;
  readonly resolver: RecordSource;
}

const WRITABLE = accepted("can receive mail, according to the DNS");
const NO_SUCH: Fault = {
  name: "no-such-domain",
  words: "The domain of your sender address has neither MX nor address records",
  detail: "1.8",
};
/** RFC 7505 §4.2. */
const NULL_MX: Fault = {
  name: "null-mx",
  words: "The domain of your sender address says that it takes no mail",
  detail: "7.27",
};

/**
 * Checks in the DNS that the return-path can receive mail: its domain has an MX record or an address (RFC 5321 §5.1),
 * and no null MX. A failure of the DNS never counts against the sender. The null sender is not checked.
 */
export function senderDomainCheck({ settings, resolver }: SenderDomainParts): StageCheck<"rcpt"> {
  const atMail = ({ sender }: MailSubject): void => {
    if ((settings().senderDomain ?? "off") !== "off") void faultOf(sender, resolver);
  };
  const run = ({ sender, domain }: RcptSubject): Later<Said> => {
    const { senderDomain: forAll = "off", contact } = settings();
    const action = domain?.settings.checks?.senderDomain ?? forAll;
    if (action === "off" || domain === undefined || sender === "") return undefined;
    return andThen(faultOf(sender, resolver), (fault) =>
      fault === undefined ? WRITABLE : judgeFault("Sender-Domain", fault, { action, contact }),
    );
  };
  return { name: "senderDomain", stage: "rcpt", reputation: true, atMail, run };
}

function faultOf(sender: string, resolver: SenderDomainParts["resolver"]): Later<Fault | undefined> {
  const domain = normaliseDomain(senderDomainOf(sender));
  // The sender has an address literal, or is the null sender.
  if (domain === undefined) return undefined;
  return whenKnown(resolver.mx(domain), (mx) => {
    if (mx.kind === "failed") return undefined;
    if (mx.kind === "found") return mx.records.every(({ host }) => host === "") ? NULL_MX : undefined;
    return withoutAddress(domain, resolver).then((lacks) => (lacks ? NO_SUCH : undefined));
  });
}

/** Queries the DNS only: names in this machine's host table, such as `localhost`, mean nothing to other hosts. */
async function withoutAddress(domain: string, resolver: RecordSource): Promise<boolean> {
  const families = (["A", "AAAA"] as const).map((type) => resolver.records(domain, type));
  return (await Promise.all(families)).every(({ kind }) => kind === "none");
}
