/** Conversations of the SMTP client with servers on this machine. */
import type { Conversation, SmtpClient, Target } from "../../src/ports/smtp-client.ts";
import { fakePrimary, type Behaviour, type FakePrimary } from "./fake-primary.ts";

export interface PrimaryConversation extends AsyncDisposable {
  readonly primary: FakePrimary;
  readonly conversation: Conversation;
}

/** Where a server of this machine listens; spoken to in clear unless `change` says otherwise. */
export function targetAt(port: number, change: Partial<Target> = {}): Target {
  return { host: "127.0.0.1", ip: "127.0.0.1", port, tls: "none", ...change };
}

/** One conversation with a primary of this behaviour; both end with it. */
export async function converseWith(
  client: SmtpClient,
  behaviour: Behaviour,
  change: Partial<Target> = {},
): Promise<PrimaryConversation> {
  const primary = await fakePrimary(behaviour);
  const conversation = await client.converse(targetAt(primary.port, change));
  return {
    primary,
    conversation,
    [Symbol.asyncDispose]: async () => {
      conversation.abort();
      await primary.close();
    },
  };
}
