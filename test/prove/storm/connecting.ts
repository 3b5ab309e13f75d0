/** How clients of the storm come to a session: in clear, or by STARTTLS. */
import { once } from "node:events";
import { connect } from "node:tls";
import { openSmtp, RawSmtp, type RawReply } from "../../support/raw-smtp.ts";
import type { Random } from "../../support/random.ts";

const EHLO = "EHLO storm.holdfast.test";

/** Undefined: the daemon is away, or does not want to. */
export async function openSession(port: number, random: Random): Promise<RawSmtp | undefined> {
  const smtp = await openSmtp(port);
  const hello = await greet(smtp);
  const offersTls = hello?.lines.some((line) => line.endsWith("STARTTLS")) === true;
  if (smtp === undefined || !offersTls || random.below(2) === 0)
    return hello === undefined ? undefined : smtp;
  const secure = await encrypt(smtp);
  return (await greet(secure)) === undefined ? undefined : secure;
}

async function greet(smtp: RawSmtp | undefined): Promise<RawReply | undefined> {
  const hello = await smtp?.command(EHLO);
  if (hello?.code === 250) return hello;
  smtp?.close();
  return undefined;
}

async function encrypt(clear: RawSmtp): Promise<RawSmtp | undefined> {
  const { socket } = clear;
  if ((await clear.command("STARTTLS"))?.code !== 220) {
    clear.close();
    return undefined;
  }
  socket.removeAllListeners("data");
  const secure = connect({ socket, rejectUnauthorized: false }).on("error", () => {});
  const isSecure = await Promise.race([
    once(secure, "secureConnect").then(
      () => true,
      () => false,
    ),
    new Promise<false>((resolve) => void secure.once("close", () => resolve(false))),
  ]);
  if (isSecure) return new RawSmtp(secure);
  socket.destroy();
  return undefined;
}
