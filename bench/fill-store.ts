/** Fills the store of a daemon that does not run, by the code that its storage thread runs. */
import { MessageChannel } from "node:worker_threads";
import { connectIntake, openWriter } from "../src/adapters/storage/sqlite/sqlite.ts";
import type { Intake, NewMail } from "../src/ports/intake.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { idSource } from "../src/runtime/ids.ts";
import { DOMAIN } from "./contestants.ts";
import { SILENT } from "../test/support/silent-log.ts";

/** Mails that are stored at the same time. */
const TOGETHER = 200;
const BODY = Buffer.alloc(4096, "0123456789abcdef");
const TOP_FIELDS = `Received: from bench.holdfast.test ([127.0.0.1])\r\n\tby mx2.holdfast.test (Holdfast);\r\n`;

/** `count` mails of 4 KB for the bench's domain, waiting. */
export async function fillStore(folder: string, count: number): Promise<void> {
  const clock = systemClock();
  const nextId = idSource(() => clock.now());
  const writer = openWriter({ folder, clock, reserve: { bytes: 0 }, log: SILENT });
  const { port1, port2 } = new MessageChannel();
  writer.serve("intake", port1);
  const intake = connectIntake(port2, { folder, shared: writer.shared, bodyMemory: 2 ** 28, clock });
  let left = count;
  const sender = async (): Promise<void> => {
    while (left-- > 0) await storeMail(intake, nextId(), `user${1 + (left % 10_000)}@${DOMAIN}`, BODY);
  };
  try {
    await Promise.all(Array.from({ length: TOGETHER }, sender));
  } finally {
    port2.close();
    await writer.close();
  }
}

/** One mail as an SMTP thread hands it over; throws where the store does not take it. */
export async function storeMail(intake: Intake, id: string, address: string, body: Buffer): Promise<void> {
  const writer = intake.openBody();
  await writer.write(body);
  const now = Date.now();
  const mail: NewMail = {
    id,
    acceptedAt: now,
    sender: "load@sender.example",
    recipients: [{ address, domain: DOMAIN }],
    client: { ip: "127.0.0.1", helo: "bench.holdfast.test" },
    topFields: TOP_FIELDS,
    smtpUtf8: false,
    eightBit: false,
    deadline: now + 60_000,
  };
  const result = await intake.accept(mail, writer);
  if (result.kind !== "accepted") throw new Error(`refused: ${result.why}`);
}
