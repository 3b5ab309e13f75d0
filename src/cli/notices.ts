/** What senders requested and what they were told, in words. */
import type { MailBody, QueueEntryBody, ToldBody } from "../endpoints/admin/contract.ts";
import { fact, timeWithZone, type Fact } from "./terminal.ts";

const ABOUT: Readonly<Record<ToldBody["kind"], string>> = {
  failed: "the refusal",
  expired: "the expiry",
  delayed: "the delay",
  relayed: "the handover to the primary",
};

const TRAITS: Readonly<Record<MailBody["traits"][number], string>> = {
  list: "from a mailing list",
  bulk: "bulk mail",
  automatic: "sent automatically",
};

/** What the sender requested for the mail (RFC 3461), and what its header says about its author. */
export function mailNotices({ dsn, traits }: MailBody): readonly Fact[] {
  const { ret, envid } = dsn ?? {};
  return [
    ...fact("Requested", wish({ RET: ret, ENVID: envid })),
    ...fact("Kind", traits.map((trait) => TRAITS[trait]).join(", ") || undefined),
  ];
}

export function recipientNotices({ notify, orcpt, told, owed }: QueueEntryBody): readonly Fact[] {
  return [
    ...fact("Requested", wish({ NOTIFY: notify, ORCPT: orcpt })),
    ...fact("Sender", told && `${toldText(told)}, ${timeWithZone(told.at)}`),
    ...fact("Sender", owed && `is still to be notified of ${ABOUT[owed]}`),
  ];
}

/** Writes the given parameters unchanged. */
function wish(parameters: Readonly<Record<string, string | undefined>>): string | undefined {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => `${name}=${value}`).join(" ") || undefined;
}

/** Writes `notified of the refusal: notice 01k9...`, or `not notified of the refusal: why`. */
export function toldText({ kind, notice, why }: ToldBody): string {
  if (notice !== undefined) return `notified of ${ABOUT[kind]}: notice ${notice}`;
  return `not notified of ${ABOUT[kind]}: ${why ?? "no reason known"}`;
}

/** Describes the route of notices. */
export function routeText(route: string): string {
  if (route === "off") return "off: senders are not notified, refused and expired mail is parked";
  return route === "direct" ? "to the sender's own MX" : `by ${route}`;
}
