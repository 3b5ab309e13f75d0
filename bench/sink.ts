/**
 * A counting primary as a process of its own: `node bench/sink.ts [PORT]`. Prints its port first, then one line of
 * JSON with its counts whenever a line comes in on stdin, and ends with stdin. Slower than smtp-sink, but it
 * tells doubles: by the queue id of the relay before it, by Message-ID, and by X-Proof-Id.
 */
import { createInterface } from "node:readline";
import { openSink } from "../test/support/sink.ts";

function unique(ids: readonly (string | undefined)[]): number {
  return new Set(ids.filter((id) => id !== undefined)).size;
}

await using sink = await openSink(Number(process.argv[2] ?? 0));
process.stdout.write(`${sink.port}\n`);
for await (const _line of createInterface({ input: process.stdin })) {
  const { mails } = sink;
  const counts = {
    mails: mails.length,
    recipients: mails.reduce((sum, mail) => sum + mail.recipients.length, 0),
    queueIds: unique(mails.map((mail) => mail.queueId)),
    messageIds: unique(mails.map((mail) => mail.messageId)),
    proofIds: unique(mails.map((mail) => mail.proofId)),
    firstAt: mails[0]?.at,
    lastAt: mails.at(-1)?.at,
  };
  process.stdout.write(`${JSON.stringify(counts)}\n`);
}
