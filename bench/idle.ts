/**
 * Memory of connections that do nothing: `npm run bench -- idle`. PSS of all processes before and after, divided by
 * their number; Postfix has a process for each, so it gets fewer.
 */
import { processMemory } from "../test/support/process-usage.ts";
import { openSmtp, type RawSmtp } from "../test/support/raw-smtp.ts";
import { pause } from "../test/support/wait.ts";
import { holdfast, tunedPostfix, type Contestant, type Running } from "./contestants.ts";
import { needPeers } from "./load.ts";
import { publish, readChoice, scaled, turnAbout, withRunning, type Choice } from "./rows.ts";

const CONNECTIONS = 4000;
const POSTFIX_CONNECTIONS = 200;
/** Connections that are opened at the same time. */
const TOGETHER = 100;
/** Before memory is read, in ms. */
const REST = 5000;

export async function benchIdle(args: readonly string[]): Promise<void> {
  const choice = readChoice(args);
  needPeers();
  const [own, others] = [scaled(CONNECTIONS, choice), scaled(POSTFIX_CONNECTIONS, choice)];
  const what = "PSS per idle connection, KB";
  const runs = [
    { name: holdfast.name, run: () => perConnection(holdfast, own, choice) },
    { name: tunedPostfix.name, run: () => perConnection(tunedPostfix, others, choice) },
  ];
  const columns = await turnAbout(what, choice, runs);
  const heads = runs.map(({ name }) => name);
  const words = `${own} connections that said EHLO (Postfix: ${others}), ${REST / 1000} s later; what the kernel holds is not in it.`;
  await publish(
    { name: "idle", heads, rows: [{ what, goal: "<= 25 KB", columns, digits: 1 }], words },
    choice,
  );
}

function perConnection(contestant: Contestant, count: number, choice: Choice): Promise<number> {
  return withRunning(contestant, choice, async (running) => {
    // The first ones load and compile what all use.
    const warm = await open(running, TOGETHER);
    await pause(REST);
    const before = await pssOf(running);
    const clients: RawSmtp[] = [];
    while (clients.length < count)
      clients.push(...(await open(running, Math.min(TOGETHER, count - clients.length))));
    await pause(REST);
    const after = await pssOf(running);
    for (const client of [...warm, ...clients]) client.close();
    return ((after - before) * 1000) / count;
  });
}

/** Megabytes of 10^6 octets. */
async function pssOf(running: Running): Promise<number> {
  const pids = await running.pids();
  return pids.reduce((sum, pid) => sum + processMemory(pid).pss, 0);
}

async function open({ smtpPort }: Running, count: number): Promise<RawSmtp[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const smtp = await openSmtp(smtpPort);
      const reply = await smtp?.command("EHLO bench.holdfast.test");
      if (smtp === undefined || reply?.code !== 250) throw new Error("a connection was refused");
      return smtp;
    }),
  );
}
