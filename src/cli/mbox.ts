/** Mails as one mbox file: each behind a `From ` line, such lines of its own quoted (mboxrd), line ends as LF. */
import type { Readable } from "node:stream";

/** Times in ms since 1970. */
export interface MboxEnvelope {
  readonly sender: string;
  readonly acceptedAt: number;
}

/** The mail as it stands in an mbox. */
export async function* mboxOf(mail: Readable, { sender, acceptedAt }: MboxEnvelope): AsyncGenerator<Buffer> {
  const from = /^[\x21-\x7e]+$/.test(sender) ? sender : "MAILER-DAEMON";
  yield Buffer.from(`From ${from} ${ctime(acceptedAt)}\n`);
  let rest = "";
  for await (const chunk of mail) {
    const text = rest + (chunk as Buffer).toString("latin1");
    const end = text.lastIndexOf("\n") + 1;
    rest = text.slice(end);
    if (end > 0) yield lines(text.slice(0, end));
  }
  // The last line may lack its end; an empty one closes the mail.
  yield lines(rest === "" ? "\n" : `${rest}\n\n`);
}

function lines(text: string): Buffer {
  return Buffer.from(text.replaceAll("\r\n", "\n").replace(/^(?=>*From )/gm, ">"), "latin1");
}

/** As asctime writes it, in UTC. */
function ctime(at: number): string {
  const [weekday, day = "", month, year, time] = new Date(at).toUTCString().split(/,? /);
  return `${weekday} ${month} ${day.replace(/^0/, " ")} ${time} ${year}`;
}
