import { wantsDsn } from "../../mail/dsn.ts";
import type { Trait } from "../../mail/header-scanner.ts";
import type { OwedMail, OwedRecipient } from "../../ports/dsn.ts";

export interface BounceRules {
  /** Whether a route for DSNs is configured. */
  readonly route: boolean;
  /** Most DSNs to one address in 24 h. */
  readonly perSender: number;
}

/** Why no DSN is sent. */
export interface Silence {
  readonly why: string;
  /** A DSN would be right, but the operator's settings prevent it. */
  readonly operators: boolean;
}

const EVENTS = { failed: "FAILURE", expired: "FAILURE", delayed: "DELAY", relayed: "SUCCESS" } as const;

const TRAIT_WORDS: Readonly<Record<Trait, string>> = {
  list: "it came from a mailing list (a List- field)",
  bulk: "it is bulk mail (its Precedence field)",
  automatic: "it was sent automatically (its Auto-Submitted field)",
};

/** Local parts of lists and mail systems, RFC 2142 §6 and RFC 3834 §2: no person reads the mail sent to them. */
const NOBODY = /^owner-|-owner$|-request$|-bounces?(?:\+.*)?$|^mailer-daemon$/i;

/** Why the sender is not notified about this recipient; undefined: the sender is notified. */
export function judge(mail: OwedMail, recipient: OwedRecipient, rules: BounceRules): Silence | undefined {
  const why = ownWish(mail, recipient) ?? nobodyThere(mail) ?? unproven(mail);
  if (why !== undefined) return { why, operators: false };
  const limit = hindrance(mail, rules);
  return limit === undefined ? undefined : { why: limit, operators: true };
}

function ownWish({ sender }: OwedMail, { notify, kind }: OwedRecipient): string | undefined {
  if (sender === "") return "the null sender is never notified";
  if (wantsDsn(notify, EVENTS[kind])) return undefined;
  return notify === undefined ? "the sender requested none" : `the sender requested none (NOTIFY=${notify})`;
}

function nobodyThere({ sender, traits }: OwedMail): string | undefined {
  const [trait] = traits;
  if (trait !== undefined) return TRAIT_WORDS[trait];
  return NOBODY.test(sender.slice(0, sender.lastIndexOf("@")))
    ? "its return path belongs to a mailing list or a mail system"
    : undefined;
}

/** The return path must be proven to be the sender's own, or the DSN may go to a stranger. */
function unproven({ authentication }: OwedMail): string | undefined {
  if (authentication === undefined)
    return "the mail was accepted without SPF, so its return path may be forged; `checks: { spf: tag }` checks it";
  if (authentication.returnPath) return undefined;
  const { spf, dkim = [] } = authentication;
  const signed = dkim.length === 0 ? "no signature" : "a signature of another domain";
  return `its return path may be forged (spf ${spf?.result ?? "not checked"}, ${signed})`;
}

function hindrance({ noticesToSender }: OwedMail, { route, perSender }: BounceRules): string | undefined {
  if (noticesToSender >= perSender) return `its sender got ${noticesToSender} notices within 24 h`;
  return route ? undefined : "no route for notices is set";
}
