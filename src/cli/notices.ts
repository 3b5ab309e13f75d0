/** What senders asked and were told, in the words of the tool. */
import type { MailBody, QueueEntryBody, ToldBody } from "../endpoints/admin/contract.ts";
import { timeWithZone } from "./terminal.ts";

type Pair = readonly [name: string, value: string];

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
export function mailNotices({ dsn, traits }: MailBody): readonly Pair[] {
  const asked = [
    ...(dsn?.ret === undefined ? [] : [`RET=${dsn.ret}`]),
    ...(dsn?.envid === undefined ? [] : [`ENVID=${dsn.envid}`]),
  ];
  return [
    ...(asked.length === 0 ? [] : [["Asked", asked.join(" ")] as const]),
    ...(traits.length === 0 ? [] : [["Kind", traits.map((trait) => TRAITS[trait]).join(", ")] as const]),
  ];
}

export function recipientNotices({ notify, orcpt, told, owed }: QueueEntryBody): readonly Pair[] {
  const asked = [
    ...(notify === undefined ? [] : [`NOTIFY=${notify}`]),
    ...(orcpt === undefined ? [] : [`ORCPT=${orcpt}`]),
  ];
  return [
    ...(asked.length === 0 ? [] : [["Asked", asked.join(" ")] as const]),
    ...(told === undefined ? [] : [["Sender", `${toldText(told)}, ${timeWithZone(told.at)}`] as const]),
    ...(owed === undefined ? [] : [["Sender", `is yet to hear of ${ABOUT[owed]}`] as const]),
  ];
}

/** `told of the refusal: notice 01k9...`, `not told of the refusal: why`. */
export function toldText({ kind, notice, why }: ToldBody): string {
  if (notice !== undefined) return `told of ${ABOUT[kind]}: notice ${notice}`;
  return `not told of ${ABOUT[kind]}: ${why ?? "no reason known"}`;
}

/** Which way notices go. */
export function routeText(route: string): string {
  if (route === "off") return "off: senders are told nothing, refused and expired mail is parked";
  return route === "direct" ? "to the sender's own MX" : `by ${route}`;
}
