/** AUTH PLAIN and LOGIN (RFC 4954, RFC 4616), by nodemailer, over TLS only. */
import { TLSSocket } from "node:tls";
import type SMTPConnection from "nodemailer/lib/smtp-connection";
import { parseReply, printable } from "../../mail/reply.ts";
import type { Login } from "../../ports/directory.ts";
import { DestinationTrouble } from "../../ports/smtp-client.ts";
import { errorText } from "../../runtime/log.ts";
import { type Environment, readSecret } from "../../runtime/secrets.ts";

interface Offers {
  readonly _supportedAuth: readonly string[];
}

/** Rejects with DestinationTrouble of stage `login`; the caller closes the connection then. */
export async function logIn(
  connection: SMTPConnection,
  login: Login,
  environment: Environment,
): Promise<void> {
  if (!(connection._socket instanceof TLSSocket))
    throw new DestinationTrouble("login", "no login without TLS: the password would cross in clear");
  const method = mechanismOf(login, (connection as unknown as Offers)._supportedAuth);
  const credentials = { user: login.user, pass: await passwordOf(login, environment) };
  await new Promise<void>((resolve, reject) => {
    connection.login({ credentials, method }, (error) => {
      if (error === null || error === undefined) return resolve();
      const { response = "" } = error as { readonly response?: string };
      const answer = response === "" ? undefined : parseReply(response);
      const words = printable(
        answer === undefined ? error.message : `it answered ${answer.code} ${answer.text}`,
      );
      reject(new DestinationTrouble("login", `login of ${login.user}: ${words}`.slice(0, 300), answer));
    });
  });
}

function mechanismOf({ method }: Login, offered: readonly string[]): string {
  const usable = ["PLAIN", "LOGIN"].filter((name) => offered.includes(name));
  const wanted = method === undefined ? usable[0] : method.toUpperCase();
  if (wanted === undefined || !usable.includes(wanted))
    throw new DestinationTrouble("login", `it offers no AUTH ${method?.toUpperCase() ?? "PLAIN or LOGIN"}`);
  return wanted;
}

async function passwordOf(login: Login, environment: Environment): Promise<string> {
  try {
    return await readSecret({ file: login.passwordFile, env: login.passwordEnv }, environment);
  } catch (error) {
    throw new DestinationTrouble("login", `there is no password: ${errorText(error)}`);
  }
}
