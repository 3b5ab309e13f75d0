/** The demo's stand-in for a sender on the internet: one mail over one connection, waiting for each reply. */
import { connect } from "node:net";
import { createInterface } from "node:readline";

interface Told {
  /** The step that decided: `RCPT` if it was refused there, else `the final dot`. */
  readonly step: string;
  readonly reply: string;
}

/** Sends one mail to one recipient and returns the reply that decided its fate. */
export async function sendMail(port: number, recipient: string, subject: string): Promise<Told> {
  const socket = connect(port, "127.0.0.1");
  // The lines then end, which is reported.
  socket.on("error", () => socket.destroy());
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  try {
    await replyTo(undefined);
    await replyTo("EHLO sender.example.org");
    await replyTo("MAIL FROM:<someone@example.org>");
    const answer = await replyTo(`RCPT TO:<${recipient}>`);
    if (!answer.startsWith("2")) return { step: "RCPT", reply: answer };
    await replyTo("DATA");
    const reply = await replyTo(message(recipient, subject));
    return { step: "the final dot", reply };
  } finally {
    socket.end("QUIT\r\n");
    socket.destroySoon();
  }

  async function replyTo(command: string | undefined): Promise<string> {
    if (command !== undefined) socket.write(`${command}\r\n`);
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error("the daemon closed the connection");
      if (value[3] !== "-") return value;
    }
  }
}

function message(recipient: string, subject: string): string {
  return [
    "From: Someone <someone@example.org>",
    `To: <${recipient}>`,
    `Subject: ${subject}`,
    "",
    "Sent while the primary was away.",
    ".",
  ].join("\r\n");
}
