/** How many mails a second with scanners on and off, and how much of the processors' time is ours. */
import { readdirSync, readFileSync } from "node:fs";
import { asData, openSmtp } from "../../support/raw-smtp.ts";
import { plainMail } from "./mails.ts";
import type { Victims } from "./victims.ts";
import { World } from "./world.ts";

/** Clients that send at the same time. */
const CLIENTS = 8;
/** Octets. */
const SIZE = 4000;
/** Linux counts processor time in ticks of 10 ms. */
const TICK = 10;

interface ThroughputTally {
  /** Mails a second. */
  readonly scanned: number;
  readonly unscanned: number;
  /** Percent of the processors' time of daemon and scanners that is the daemon's. */
  readonly ourShare: number;
  /** Milliseconds of the daemon's time for one mail. */
  readonly ourTime: number;
  readonly ourTimeUnscanned: number;
  readonly failures: string[];
}

export async function showThroughput(plan: {
  readonly victims: Victims;
  readonly timeout: number;
  readonly mails: number;
}): Promise<ThroughputTally> {
  const failures: string[] = [];
  const on = await run(plan, true, failures);
  const off = await run(plan, false, failures);
  const ourShare = (100 * on.ours) / (on.ours + on.theirs);
  return {
    scanned: Math.round(on.rate),
    unscanned: Math.round(off.rate),
    ourShare: Math.round(ourShare),
    ourTime: rounded(on.ours / plan.mails),
    ourTimeUnscanned: rounded(off.ours / plan.mails),
    failures,
  };
}

async function run(
  plan: { readonly victims: Victims; readonly timeout: number; readonly mails: number },
  scanned: boolean,
  failures: string[],
): Promise<{ rate: number; ours: number; theirs: number }> {
  await using world = await World.start({ ...plan, scanned, watched: false });
  const scanners = [plan.victims.clamav.pid, plan.victims.rspamd.pid].filter((pid) => pid !== undefined);
  const theirTime = (): number => scanners.reduce((sum, group) => sum + timeOf(group), 0);
  const port = world.daemon.smtpPort;
  await send(port, 50, failures);
  const [ours, theirs, begin] = [timeOf(world.daemon.pid, true), theirTime(), performance.now()];
  await send(port, plan.mails, failures);
  return {
    rate: (1000 * plan.mails) / (performance.now() - begin),
    ours: timeOf(world.daemon.pid, true) - ours,
    theirs: theirTime() - theirs,
  };
}

async function send(port: number, mails: number, failures: string[]): Promise<void> {
  let left = mails;
  const client = async (): Promise<void> => {
    const smtp = await openSmtp(port);
    await smtp?.command("EHLO client.holdfast.test");
    if (smtp === undefined) return;
    while (left > 0) {
      left -= 1;
      const body = plainMail(`m${left}`, SIZE);
      for (const command of ["MAIL FROM:<a@sender.example>", "RCPT TO:<alice@defer.test>", "DATA"])
        await smtp.command(command);
      smtp.write(asData(body));
      const reply = await smtp.reply();
      if (reply?.code !== 250) failures.push(`a mail was answered ${reply?.lines.join(" ")}`);
    }
    smtp.close();
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  if (left > 0) failures.push(`${left} mails were not sent`);
}

/** Processor time of one process, or of a group of them, in ms. */
function timeOf(id: number, single = false): number {
  const pids = single ? [String(id)] : readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.reduce((sum, pid) => {
    const [, , group, ...rest] = statOf(pid);
    return single || Number(group) === id ? sum + TICK * (Number(rest[8]) + Number(rest[9])) : sum;
  }, 0);
}

/** The fields behind the program's name: state, parent, group, ... */
function statOf(pid: string): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    // It has ended.
    return [];
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
