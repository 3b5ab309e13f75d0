/** Many clients, each with an address of its own in 127.0.0.0/8, that speak SMTP with one daemon. */
import { connect } from "node:net";
import { SENDER_DOMAIN } from "./client-dns.ts";
import { RawSmtp } from "./raw-smtp.ts";

/** 4 KB. */
const BODY = `Subject: crowd\r\n\r\n${"A line of the mail.\r\n".repeat(195)}.\r\n`;

/** The address of the nth client of a crowd; never 127.0.0.x, which lists speak of. */
export function addressOf(crowd: number, n: number): string {
  return `127.${crowd}.${Math.floor(n / 200)}.${1 + (n % 200)}`;
}

export function helloOf(address: string): string {
  return `h-${address.slice("127.".length).replaceAll(".", "-")}.${SENDER_DOMAIN}`;
}

/** A connection from this address that was greeted and has said EHLO; undefined where it was turned away. */
export async function arrive(port: number, address: string): Promise<RawSmtp | undefined> {
  const smtp = new RawSmtp(connect({ port, host: "127.0.0.1", localAddress: address }));
  const greeted = (await smtp.reply())?.code === 220;
  if (greeted && (await smtp.command(`EHLO ${helloOf(address)}`))?.code === 250) return smtp;
  smtp.close();
  return undefined;
}

/** The code of the last reply to one mail on a connection of its own: 250, or of what refused it; 0 for none. */
export async function deliverFrom(port: number, address: string, recipient: string): Promise<number> {
  const smtp = await arrive(port, address);
  if (smtp === undefined) return 0;
  try {
    smtp.write(`MAIL FROM:<${address}@${SENDER_DOMAIN}>\r\nRCPT TO:<${recipient}>\r\nDATA\r\n`);
    await smtp.reply();
    const [rcpt, data] = [await smtp.reply(), await smtp.reply()];
    if (data?.code !== 354) return rcpt?.code ?? 0;
    smtp.write(BODY);
    return (await smtp.reply())?.code ?? 0;
  } finally {
    smtp.close();
  }
}

/** Runs `act` for 0 to `count` - 1, so many at a time. */
export async function atATime(most: number, count: number, act: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: Math.min(most, count) }, worker));
}
