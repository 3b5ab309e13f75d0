/** Kinds of senders, what each asks for, and what each is to hear. */
import { openSmtp } from "./raw-smtp.ts";

export interface Sender {
  /** Also the local part of the recipient, and in the subject. */
  readonly name: string;
  readonly from: string;
  /** Parameters of MAIL and RCPT. */
  readonly mail?: string;
  readonly rcpt?: string;
  /** Header fields, CRLF after each. */
  readonly header?: string;
  /** `refused`: the primary says no such user; `taken`; `late`: its primary is away. */
  readonly fate: "refused" | "taken" | "late";
  /** Actions of the notices that are due, in their order; empty: silence, for the reason `why`. */
  readonly hears: readonly ("failed" | "delayed" | "relayed")[];
  readonly why?: RegExp;
}

/** The client on loopback may send for friend.test, and for nobody else. */
export const SPF = {
  "friend.test": { TXT: ["v=spf1 ip4:127.0.0.1 -all"] },
  "forged.test": { TXT: ["v=spf1 -all"] },
} as const;

const FRIEND = "ann@friend.test";

export const SENDERS: readonly Sender[] = [
  { name: "authenticated", from: FRIEND, fate: "refused", hears: ["failed"] },
  { name: "forged", from: "ann@forged.test", fate: "refused", hears: [], why: /may be forged \(spf fail/ },
  { name: "unknown", from: "ann@nospf.test", fate: "refused", hears: [], why: /may be forged \(spf none/ },
  { name: "null", from: "", fate: "refused", hears: [], why: /null sender/ },
  {
    name: "list",
    from: FRIEND,
    header: "List-Id: <talk.friend.test>\r\n",
    fate: "refused",
    hears: [],
    why: /mailing list/,
  },
  {
    name: "owner",
    from: "owner-talk@friend.test",
    fate: "refused",
    hears: [],
    why: /belongs to a mailing list/,
  },
  {
    name: "bulk",
    from: FRIEND,
    header: "Precedence: bulk\r\n",
    fate: "refused",
    hears: [],
    why: /bulk mail/,
  },
  {
    name: "automatic",
    from: FRIEND,
    header: "Auto-Submitted: auto-replied\r\n",
    fate: "refused",
    hears: [],
    why: /sent automatically/,
  },
  {
    name: "utf8",
    from: "grå@friend.test",
    mail: " SMTPUTF8",
    header: "X-Name: Grå\r\n",
    fate: "refused",
    hears: ["failed"],
  },
  { name: "never", from: FRIEND, rcpt: " NOTIFY=NEVER", fate: "refused", hears: [], why: /NOTIFY=NEVER/ },
  { name: "success", from: FRIEND, rcpt: " NOTIFY=SUCCESS", fate: "taken", hears: ["relayed"] },
  { name: "content", from: FRIEND, rcpt: " NOTIFY=FAILURE", fate: "taken", hears: ["failed"] },
  {
    name: "delay",
    from: FRIEND,
    rcpt: " NOTIFY=DELAY,FAILURE",
    fate: "late",
    hears: ["delayed", "failed"],
  },
  { name: "late", from: FRIEND, rcpt: " NOTIFY=FAILURE", fate: "late", hears: ["failed"] },
  { name: "full", from: FRIEND, mail: " RET=FULL", fate: "refused", hears: ["failed"] },
  {
    name: "named",
    from: FRIEND,
    mail: " RET=HDRS ENVID=QQ+2B314159",
    rcpt: " ORCPT=rfc822;Bob+2Bold@old.test",
    fate: "refused",
    hears: ["failed"],
  },
];

export function recipientOf({ name, fate }: Sender): string {
  return `${name}@${fate === "late" ? "late.test" : "example.test"}`;
}

/** Sends one mail in a session of its own; throws when it is not taken. */
export async function sendAs(sender: Sender, port: number): Promise<void> {
  const smtp = await openSmtp(port);
  if (smtp === undefined) throw new Error(`nobody greets on port ${port}`);
  const { from, name, mail = "", rcpt = "", header = "" } = sender;
  const lines = [
    "EHLO client.friend.test",
    `MAIL FROM:<${from}>${mail}`,
    `RCPT TO:<${recipientOf(sender)}>${rcpt}`,
    "DATA",
    `Subject: about ${name}\r\nMessage-ID: <${name}@friend.test>\r\nFrom: ${from}\r\n${header}\r\nthe text of ${name}\r\n.`,
  ];
  for (const line of lines) {
    const reply = await smtp.command(line);
    if (reply === undefined || reply.code >= 400)
      throw new Error(`${name}: ${line.slice(0, 60)}: ${reply?.lines.join(" / ") ?? "connection lost"}`);
  }
  await smtp.quit();
}
