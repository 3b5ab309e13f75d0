/** A sender's connection ends at every octet of a session: no half mail, and for each end of a body at most one. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { RawSmtp } from "../../../support/raw-smtp.ts";
import { type Bench, startBench } from "../../../support/smtp-bench.ts";
import { waitFor } from "../../../support/wait.ts";

const BODY = "Subject: cut\r\n\r\n.dot\r\nend\r\n";
const STUFFED = "Subject: cut\r\n\r\n..dot\r\nend\r\n";
const ENVELOPE = ["EHLO c.example\r\n", "MAIL FROM:<a@b.example>\r\n", "RCPT TO:<alice@our.test>\r\n"];

/** What a client says at a time; it waits for the reply before the next. The mail is whole with the last but one. */
const SESSIONS: Readonly<Record<string, readonly string[]>> = {
  DATA: [...ENVELOPE, "DATA\r\n", `${STUFFED}.\r\n`, "QUIT\r\n"],
  BDAT: [
    ...ENVELOPE,
    `BDAT 10\r\n${BODY.slice(0, 10)}`,
    `BDAT ${BODY.length - 10} LAST\r\n${BODY.slice(10)}`,
    "QUIT\r\n",
  ],
};

const WAYS: Readonly<Record<string, (socket: Socket) => void>> = {
  reset: (socket) => void socket.resetAndDestroy(),
  closed: (socket) => void socket.end(),
};

/** Connections at a time. */
const TOGETHER = 20;

/** Says the first `cut` octets, then leaves; answers whether the 250 for the mail was read. */
async function sayUpTo(
  bench: Bench,
  { session, cut, leave }: { session: readonly string[]; cut: number; leave: (socket: Socket) => void },
): Promise<boolean> {
  const smtp = new RawSmtp(connect(bench.port, "127.0.0.1"));
  await smtp.reply();
  let left = cut;
  let taken = false;
  for (const [i, words] of session.entries()) {
    smtp.write(words.slice(0, left));
    left -= words.length;
    // At its very end no reply is waited for: the connection ends before it, or as it comes.
    if (left <= 0) break;
    const reply = await smtp.reply();
    if (i === session.length - 2) taken = reply?.code === 250;
  }
  leave(smtp.socket);
  return taken;
}

for (const [verb, session] of Object.entries(SESSIONS))
  for (const [how, leave] of Object.entries(WAYS))
    test(`${verb}, ${how} at every octet`, async () => {
      await using bench = await startBench();
      const length = session.join("").length;
      const whole = length - (session.at(-1)?.length ?? 0);
      const cuts = Array.from({ length: length + 1 }, (_, cut) => cut);
      let [acknowledged, complete] = [0, 0];
      const one = async (cut: number): Promise<void> => {
        if (cut >= whole) complete += 1;
        if (await sayUpTo(bench, { session, cut, leave })) acknowledged += 1;
      };
      const worker = async (): Promise<void> => {
        for (let cut = cuts.pop(); cut !== undefined; cut = cuts.pop()) await one(cut);
      };
      await Promise.all(Array.from({ length: TOGETHER }, worker));
      const table = bench.connections;
      await waitFor({ what: "all have left", deadline: 20_000, every: 2 }, () => table.total() === 0);
      const { mails, open } = bench.intake;
      for (const { body } of mails) assert.equal(body.toString(), BODY);
      assert.ok(mails.length >= acknowledged && mails.length <= complete, `${mails.length} mails`);
      assert.ok(acknowledged > 0);
      assert.equal(open.size, 0);
      assert.deepEqual(bench.errors, []);
    });
