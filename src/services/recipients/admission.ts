import { mailboxKey, type Address } from "../../mail/address.ts";
import type { CalloutAnswer, CalloutQuestion } from "../../ports/callout.ts";
import { awaitsFirstList, type DomainRecord, type RecipientOrigin } from "../../ports/directory.ts";
import type { Teller } from "../../ports/recipient-memory.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Later } from "../../runtime/at-once.ts";
import type { KnownParts, RecipientKnowledge } from "./known.ts";

/** Longest time that a client waits for a callout, in ms. The callout continues; the next attempt finds its result. */
const LONGEST_WAIT = 10_000;

export type Admission =
  /** `outage`: it is unknown, and the setting accepts such recipients during an outage; the others name the source. */
  | {
      readonly kind: "accept";
      readonly why: RecipientOrigin | Teller | "postmaster" | "catchAll" | "acceptAll" | "outage";
    }
  /**
   * `unknown`: no source knows it; `refused`: its primary has no such mailbox; `outage`: it is unknown, and the setting
   * refuses such recipients during an outage.
   */
  | { readonly kind: "reject"; readonly why: "unknown" | "refused" | "outage" }
  /**
   * `doubted`: its primary refuses it, but it existed recently; `unverified`: the primary has not answered yet;
   * `outage`: it is unknown, and the setting defers such recipients during an outage; `strangers`: the client named too
   * many of them; `unlisted`: the list was never fetched.
   */
  | {
      readonly kind: "defer";
      readonly why: "doubted" | "unverified" | "outage" | "strangers" | "unlisted";
    };

export interface RecipientParts extends KnownParts {
  /** Asks the primary. */
  readonly ask: (question: CalloutQuestion) => Promise<CalloutAnswer>;
  /** Counts an unknown recipient that is accepted from a client network; false if the limit of this hour is reached. */
  readonly takeStranger: (stranger: { readonly network: string; readonly address: string }) => boolean;
}

const UNVERIFIED: Admission = { kind: "defer", why: "unverified" };

interface Applicant {
  readonly domain: DomainRecord;
  readonly address: Address;
  /** The network of the client. */
  readonly network: string;
  readonly found: RecipientKnowledge;
}

export function admit(applicant: Applicant, parts: RecipientParts): Later<Admission> {
  const { domain, found } = applicant;
  const { callout = false } = domain.settings;
  if (found.kind === "unknown") {
    if (callout) return asked(applicant, parts);
    return awaitsFirstList(domain) ? { kind: "defer", why: "unlisted" } : { kind: "reject", why: "unknown" };
  }
  if (callout && "stale" in found && found.stale) void ask(applicant, parts, true);
  if (found.kind === "refused") return refusal(found.doubted);
  return { kind: "accept", why: "origin" in found ? found.origin : found.kind };
}

function refusal(doubted: boolean): Admission {
  return doubted ? { kind: "defer", why: "doubted" } : { kind: "reject", why: "refused" };
}

async function asked(applicant: Applicant, parts: RecipientParts): Promise<Admission> {
  const answer = await inTime(ask(applicant, parts, false), parts.clock);
  switch (answer.kind) {
    case "accepted":
      return { kind: "accept", why: "callout" };
    // The primary accepts every address, so it will accept this one from us.
    case "acceptAll":
      return { kind: "accept", why: "acceptAll" };
    case "refused":
      return refusal(answer.doubted);
    case "busy":
      return UNVERIFIED;
    case "away":
    case "mute":
      return stranger(applicant, parts);
  }
}

/** Never rejects. */
function ask(
  { domain, address }: Applicant,
  parts: RecipientParts,
  refresh: boolean,
): Promise<CalloutAnswer> {
  const question: CalloutQuestion = {
    domain: domain.name,
    address: address.text,
    ...(refresh && { refresh }),
  };
  return parts.ask(question).catch(() => ({ kind: "busy" }));
}

function inTime(answer: Promise<CalloutAnswer>, clock: Clock): Promise<CalloutAnswer> {
  return new Promise((resolve) => {
    const timer = clock.after(LONGEST_WAIT, () => resolve({ kind: "busy" }));
    void answer.then(resolve).finally(() => timer.cancel());
  });
}

/** Decides on a recipient while no primary can tell whether it exists. */
function stranger({ domain, network, address }: Applicant, { takeStranger }: RecipientParts): Admission {
  switch (domain.settings.unknownDuringOutage) {
    case "reject":
      return { kind: "reject", why: "outage" };
    case "defer":
      return { kind: "defer", why: "outage" };
    case "accept":
      return takeStranger({ network, address: mailboxKey(address) })
        ? { kind: "accept", why: "outage" }
        : { kind: "defer", why: "strangers" };
  }
}
