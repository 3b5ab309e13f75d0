/** Senders that come at a steady pace, each with one mail and a connection of its own, and how long they waited. */
import { asData, openSmtp } from "./raw-smtp.ts";
import { pause } from "./wait.ts";

export interface Pace {
  readonly port: number;
  readonly domain: string;
  readonly count: number;
  /** Senders that begin in a second. */
  readonly rate: number;
  /** Octets of a body. */
  readonly size: number;
}

interface Waits {
  /** Milliseconds from connect to the final 250. */
  readonly times: readonly number[];
  /** What was said to those who did not get it. */
  readonly refused: readonly string[];
}

/** Resolves when the last has its answer; late senders do not hold up those after them. */
export async function sendPaced(pace: Pace): Promise<Waits> {
  const body = asData(Buffer.from(`Subject: paced\r\n\r\n${`${"x".repeat(76)}\r\n`.repeat(pace.size / 78)}`));
  const times: number[] = [];
  const refused: string[] = [];
  const begun = performance.now();
  const running: Promise<void>[] = [];
  for (let n = 0; n < pace.count; n++) {
    const due = begun + (n * 1000) / pace.rate - performance.now();
    if (due > 0) await pause(due);
    running.push(
      sendOne(pace, body).then(
        (took) => void (typeof took === "number" ? times.push(took) : refused.push(took)),
      ),
    );
  }
  await Promise.all(running);
  return { times, refused };
}

async function sendOne({ port, domain }: Pace, body: Buffer): Promise<number | string> {
  const begun = performance.now();
  const smtp = await openSmtp(port);
  if (smtp === undefined) return "nobody greets";
  try {
    await smtp.command("EHLO paced.example");
    smtp.write(`MAIL FROM:<paced@sender.example>\r\nRCPT TO:<alice@${domain}>\r\nDATA\r\n`);
    for (const code of [250, 250, 354]) {
      const reply = await smtp.reply();
      if (reply?.code !== code) return reply?.lines.join(" ") ?? "connection lost";
    }
    smtp.write(body);
    const last = await smtp.reply();
    return last?.code === 250 ? performance.now() - begun : (last?.lines.join(" ") ?? "connection lost");
  } finally {
    smtp.close();
  }
}
