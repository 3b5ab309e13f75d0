/** What senders asked and were told, in the words of the tool. */
import type { MailBody, QueueEntryBody, ToldBody } from "../endpoints/admin/contract.ts";
import { fact, timeWithZone, type Fact } from "./terminal.ts";

const ABOUT: Readonly<Record<ToldBody["kind"], string>> = {
  failed: "the refusal",
  expired: "the end of all attempts",
  delayed: "the delay",
  relayed: "the handing over",
};

const TRAITS: Readonly<Record<MailBody["traits"][number], string>> = {
  list: "from a list",
  bulk: "sent in bulk",
  automatic: "written by a machine",
};

/** What the sender asked for the mail, RFC 3461, and what its header says of who wrote it. */
export function mailNotices({ dsn, traits }: MailBody): readonly Fact[] {
  const { ret, envid } = dsn ?? {};
  return [
    ...fact("Asked", wish({ RET: ret, ENVID: envid })),
    ...fact("Kind", traits.map((trait) => TRAITS[trait]).join(", ") || undefined),
  ];
}

export function recipientNotices({ notify, orcpt, told, owed }: QueueEntryBody): readonly Fact[] {
  return [
    ...fact("Asked", wish({ NOTIFY: notify, ORCPT: orcpt })),
    ...fact("Sender", told && `${toldText(told)}, ${timeWithZone(told.at)}`),
    ...fact("Sender", owed && `is yet to hear of ${ABOUT[owed]}`),
  ];
}

/** The parameters that were given, as they were given. */
function wish(parameters: Readonly<Record<string, string | undefined>>): string | undefined {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => `${name}=${value}`).join(" ") || undefined;
}

/** `told of the refusal: notice 01k9...`, `not told of the refusal: why`. */
export function toldText({ kind, notice, why }: ToldBody): string {
  if (notice !== undefined) return `told of ${ABOUT[kind]}: notice ${notice}`;
  return `not told of ${ABOUT[kind]}: ${why ?? "no reason known"}`;
}

/** Which way notices go. */
export function routeText(route: string): string {
  if (route === "off") return "off: senders are not notified, refused and expired mail is parked";
  return route === "direct" ? "to the sender's own MX" : `by ${route}`;
}
