/**
 * Writes mails as one mbox file: each after a `From ` line, with such lines in the mail quoted (mboxrd), and LF line
 * ends.
 */
import type { Readable } from "node:stream";

/** Times in ms since 1970. */
export interface MboxEnvelope {
  readonly sender: string;
  readonly acceptedAt: number;
}

/**
 * The end of a piece that can only be interpreted with the next piece: a line end, or a `From ` that must be quoted.
 */
const UNDECIDED = /(?:\r|Fr?o?m?)$/;

/** Yields the mail as it stands in an mbox, piece by piece, because a single line may be the whole mail. */
export async function* mboxOf(mail: Readable, { sender, acceptedAt }: MboxEnvelope): AsyncGenerator<Buffer> {
  const from = /^[\x21-\x7e]+$/.test(sender) ? sender : "MAILER-DAEMON";
  yield Buffer.from(`From ${from} ${ctime(acceptedAt)}\n`);
  // How the output ends: a line feed; a line feed and one `>`, if only `>` followed it; or nothing of that kind.
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
  // The last line may lack its line end; an empty line ends the mail.
  yield Buffer.from(held === "" && before === "\n" ? "\n" : `${held}\n\n`, "latin1");
}

/** Writes a time as asctime does, in UTC. */
function ctime(at: number): string {
  const [weekday, day = "", month, year, time] = new Date(at).toUTCString().split(/,? /);
  return `${weekday} ${month} ${day.replace(/^0/, " ")} ${time} ${year}`;
}
