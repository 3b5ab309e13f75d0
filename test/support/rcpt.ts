/** What a client is told that names recipients. */
import { openSmtp } from "./raw-smtp.ts";

/** The whole reply to RCPT for each address, all in one transaction that is then given up. `from` is the client. */
export async function rcptReplies(
  port: number,
  addresses: readonly string[],
  from = "127.0.0.1",
): Promise<readonly string[]> {
  const smtp = await openSmtp(port, "127.0.0.1", from);
  if (smtp === undefined) throw new Error(`nobody greets on port ${port}`);
  try {
    await smtp.command("EHLO asks.example");
    await smtp.command("MAIL FROM:<asks@sender.example>");
    const replies: string[] = [];
    for (const address of addresses) {
      const reply = await smtp.command(`RCPT TO:<${address}>`);
      replies.push(reply?.lines.join(" / ") ?? "connection lost");
    }
    return replies;
  } finally {
    smtp.close();
  }
}

/** The reply to RCPT for one address. */
export async function rcptReply(port: number, address: string, from?: string): Promise<string> {
  const [reply = ""] = await rcptReplies(port, [address], from);
  return reply;
}

/** Their codes, each with how often it came, such as `250: 4, 550: 1`. */
export function tally(replies: readonly string[]): string {
  const groups = Map.groupBy(replies, (text) => text.slice(0, 3));
  return [...groups]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([code, of]) => `${code}: ${of.length}`)
    .join(", ");
}
