/**
 * Finds out which replies a client would get, without a client: a session is taken through the commands, with a policy
 * that remembers nothing and rates that count nothing. Its replies are those that would be sent.
 */
import { needsSmtpUtf8 } from "../../mail/address.ts";
import { formatReply } from "../../mail/reply.ts";
import type { Explanation, ExplainRequest } from "../../ports/explanation.ts";
import type { CheckNote, ClientEvent } from "../../ports/journal.ts";
import type { Answer } from "./answer.ts";
import type { SessionParts } from "./session-state.ts";
import { Session } from "./session.ts";

/** Runs the session. `parts` must neither count nor remember anything. */
export async function explain(request: ExplainRequest, parts: SessionParts): Promise<Explanation> {
  let refusal: ClientEvent | undefined;
  const journal: SessionParts["journal"] = {
    record: (event) => void (refusal = event.kind === "client.refused" ? event : refusal),
  };
  const settings = (): ReturnType<SessionParts["settings"]> => ({ ...parts.settings(), traced: true });
  const session = new Session({ ...parts, settings, journal }, request.ip);
  const greetDelay = parts.greeting.delay(session);
  const steps: { command?: string; reply: string }[] = [];
  let answer: Answer = session.greeting();
  steps.push({ reply: formatReply(answer.reply) });
  for (const command of commandsOf(request)) {
    if (answer.reply.code >= 400) break;
    answer = await session.command(Buffer.from(command));
    steps.push({ command, reply: formatReply(answer.reply) });
  }
  const { transaction } = session;
  const refused = answer.reply.code >= 400;
  const notes = refused ? refusal?.checks : transaction?.looks?.packed();
  const fields = refused ? [] : (transaction?.tags ?? []);
  session.abandon();
  return {
    steps,
    verdict: verdictOf(answer, fields),
    fields,
    checks: notes === undefined ? [] : (JSON.parse(notes) as readonly CheckNote[]),
    greetDelay,
  };
}

function commandsOf({ helo, sender, recipient }: ExplainRequest): readonly string[] {
  const utf8 = needsSmtpUtf8(sender) || needsSmtpUtf8(recipient) ? " SMTPUTF8" : "";
  return [`EHLO ${helo}`, `MAIL FROM:<${sender}>${utf8}`, `RCPT TO:<${recipient}>`];
}

function verdictOf({ reply: { code } }: Answer, fields: readonly string[]): Explanation["verdict"] {
  if (code >= 400) return code >= 500 ? "reject" : "defer";
  return fields.length > 0 ? "tag" : "accept";
}
