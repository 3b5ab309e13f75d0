/** Mails as one mbox file: each behind a `From ` line, such lines of its own quoted (mboxrd), line ends as LF. */
import type { Readable } from "node:stream";

/** Times in ms since 1970. */
export interface MboxEnvelope {
  readonly sender: string;
  readonly acceptedAt: number;
}

/** What the next piece decides about: a line end, or a `From ` that is to be quoted. */
const UNDECIDED = /(?:\r|Fr?o?m?)$/;

/** The mail as it stands in an mbox. It goes out piece by piece, because one line may be the whole of it. */
export async function* mboxOf(mail: Readable, { sender, acceptedAt }: MboxEnvelope): AsyncGenerator<Buffer> {
  const from = /^[\x21-\x7e]+$/.test(sender) ? sender : "MAILER-DAEMON";
  yield Buffer.from(`From ${from} ${ctime(acceptedAt)}\n`);
  // A line feed that went out last, one `>` for those that came since, or nothing.
  let before = "\n";
  let held = "";
  for await (const chunk of mail) {
    const text = (held + (chunk as Buffer).toString("latin1")).replaceAll("\r\n", "\n");
    held = UNDECIDED.exec(text)?.[0] ?? "";
    const decided = before + text.slice(0, text.length - held.length);
    const quoted = decided.replace(/\n>*(?=From )/g, "$&>").slice(before.length);
    if (quoted !== "") yield Buffer.from(quoted, "latin1");
    before = /\n>*$/.exec(decided)?.[0].slice(0, 2) ?? "";
  }
  // The last line may lack its end; an empty one closes the mail.
  yield Buffer.from(held === "" && before === "\n" ? "\n" : `${held}\n\n`, "latin1");
}

/** As asctime writes it, in UTC. */
function ctime(at: number): string {
  const [weekday, day = "", month, year, time] = new Date(at).toUTCString().split(/,? /);
  return `${weekday} ${month} ${day.replace(/^0/, " ")} ${time} ${year}`;
}
