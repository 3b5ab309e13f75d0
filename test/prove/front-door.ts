/**
 * The front door under load. One run, two daemons in turns: with every check on (three lists, names, sender domain and
 * SPF answered after 20 ms, greylisting) known clients are accepted at half the rate or more that they have with all
 * checks off; what new clients are told is counted beside it. Then thousands of clients with addresses of their own
 * stand in the door at once, twice, and leave nothing behind. Caps are exact with one and with four threads.
 */
import { Daemon } from "../support/daemon.ts";
import { addressOf, arrive, atATime } from "../support/clients.ts";
import { clientWorld, SENDER_DOMAIN } from "../support/client-dns.ts";
import {
  ALL_ON,
  deliverAll,
  PUT_OFF_FOR,
  untilListsAreSound,
  workOf,
  type Work,
} from "../support/guarded-door.ts";
import { descriptorsOf, processMemory } from "../support/process-usage.ts";
import { median } from "../support/quantiles.ts";
import type { RawSmtp } from "../support/raw-smtp.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { pause, waitFor } from "../support/wait.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";

const RECIPIENT = "alice@example.test";
const OPEN = "alice@open.test";
const PRIMARY = { host: "127.0.0.1", port: 9, tls: "none" };
const OFF = ["dnsbl", "greylist", "reachability", "helo", "earlyTalker", "clientName", "senderDomain", "spf"];
const DOMAINS = {
  "example.test": { primary: PRIMARY, recipients: { catchAll: true } },
  "open.test": {
    primary: PRIMARY,
    recipients: { catchAll: true },
    checks: Object.fromEntries(OFF.map((name) => [name, "off"])),
  },
};
/** Milliseconds. */
const DNS_DELAY = 20;
const LEAST_SHARE = 0.5;
/** Growth between two crowds that is no growth, in MB. */
const NOISE = 40;

interface Scale {
  /** Known clients, mails of each round, rounds. */
  readonly known: number;
  readonly mails: number;
  readonly rounds: number;
  readonly fresh: number;
  readonly crowd: number;
  readonly sessions: number;
}

const LONG: Scale = { known: 400, mails: 4000, rounds: 5, fresh: 2000, crowd: 5000, sessions: 60 };
const SHORT: Scale = { known: 30, mails: 60, rounds: 1, fresh: 30, crowd: 200, sessions: 30 };

export async function prove({ short, say }: ProofOptions): Promise<ProofResult> {
  const scale = short ? SHORT : LONG;
  const counts: Record<string, number> = {};
  const failures: string[] = [];
  await using folder = await tempFolder();
  await using dns = await clientWorld(DNS_DELAY);
  const start = (name: string, checks: object, smtp: object = {}): Promise<Daemon> =>
    Daemon.start({
      folder: `${folder.path}/${name}`,
      primaryPort: 9,
      settings: { dns: { servers: [dns.server] }, checks, domains: DOMAINS },
      smtp: { greetDelay: "0s", ...smtp },
    });
  const parts = { scale, counts, failures, say };
  {
    await using guarded = await start("guarded", ALL_ON);
    await untilListsAreSound(guarded);
    // In short, checks are off for another domain of the same daemon.
    await using other = short ? undefined : await start("open", {});
    await proveRate(
      {
        guarded: { daemon: guarded, recipient: RECIPIENT },
        open: { daemon: other ?? guarded, recipient: OPEN },
      },
      parts,
    );
    await proveCrowd(guarded, parts);
  }
  for (const threads of short ? [] : [1, 4]) {
    const rates = { period: "24h", mails: 50, address: { mails: 20 } };
    await using capped = await start(`capped-${threads}`, {}, { threads, rates });
    await proveCaps(capped, threads, parts);
  }
  return {
    claim: "checks cost at most half of the rate, crowds leave nothing, caps are exact",
    counts,
    failures,
  };
}

interface Parts {
  readonly scale: Scale;
  readonly counts: Record<string, number>;
  readonly failures: string[];
  readonly say: (line: string) => void;
}

interface Side {
  readonly daemon: Daemon;
  readonly recipient: string;
}

async function proveRate(
  { guarded, open }: { guarded: Side; open: Side },
  { scale, counts, failures, say }: Parts,
): Promise<void> {
  const beginNew = performance.now();
  const told = await deliverAll(guarded.daemon, {
    mails: scale.known + scale.fresh,
    sessions: scale.sessions,
    client: (n) => addressOf(10, n),
    recipient: () => RECIPIENT,
  });
  const newRate = (scale.known + scale.fresh) / ((performance.now() - beginNew) / 1000);
  say(
    `new clients: ${newRate.toFixed(0)} a second, told ${[...told].map(([code, n]) => `${code}: ${n}`).join(", ")}`,
  );
  counts["newPutOff"] = told.get(451) ?? 0;
  counts["newPerSecond"] = Math.round(newRate);
  if (counts["newPutOff"] !== scale.known + scale.fresh) failures.push("a new client was not put off");
  await pause(PUT_OFF_FOR + 200);
  // Now they are known, on both.
  for (const side of [guarded, open]) await measure(side, { ...scale, mails: scale.known }, failures);
  const shares: number[] = [];
  const cpuShares: number[] = [];
  for (let round = 1; round <= scale.rounds; round++) {
    const off = await measure(open, scale, failures);
    const on = await measure(guarded, scale, failures);
    shares.push(on.rate / off.rate);
    cpuShares.push(off.cpu / on.cpu);
    say(
      `round ${round}: ${off.rate.toFixed(0)} mails/s and ${off.cpu.toFixed(2)} ms CPU a mail with checks off, ${on.rate.toFixed(0)} and ${on.cpu.toFixed(2)} on`,
    );
  }
  const [share, cpuShare] = [median(shares), median(cpuShares)];
  counts["ratePercent"] = Math.round(100 * share);
  counts["cpuPercent"] = Math.round(100 * cpuShare);
  // A busy machine disturbs the clock on the wall, not the account of CPU time. A short run is no measure of either.
  if (scale.rounds > 1 && Math.max(share, cpuShare) < LEAST_SHARE)
    failures.push(`known clients: ${share.toFixed(2)} of the rate, ${cpuShare.toFixed(2)} by CPU time`);
}

async function measure(
  { daemon, recipient }: Side,
  { known, mails, sessions }: Scale,
  failures: string[],
): Promise<Work> {
  return workOf(daemon, async () => {
    const told = await deliverAll(daemon, {
      mails,
      sessions,
      client: (n) => addressOf(10, n % known),
      recipient: () => recipient,
    });
    const accepted = told.get(250) ?? 0;
    if (accepted !== mails)
      failures.push(`known clients were told ${[...told].map(([code, n]) => `${code}: ${n}`).join(", ")}`);
    return accepted;
  });
}

/** All stand in the door at once, in the middle of a transaction, and leave; twice. */
async function proveCrowd(daemon: Daemon, { scale, counts, failures, say }: Parts): Promise<void> {
  const before = descriptorsOf(daemon.pid);
  const memory: number[] = [];
  for (const crowd of [20, 30]) {
    const held = await gather(daemon.smtpPort, crowd, scale);
    const { connections } = await daemon.status();
    counts["heldAtOnce"] = connections;
    if (connections !== scale.crowd) failures.push(`${connections} of ${scale.crowd} clients were held`);
    const { rss } = processMemory(daemon.pid);
    for (const smtp of held) smtp.close();
    await waitFor({ what: "they are gone", deadline: 30_000, every: 50 }, async () => {
      const { connections: left } = await daemon.status();
      return left === 0 && descriptorsOf(daemon.pid) <= before;
    });
    memory.push(processMemory(daemon.pid).rss);
    say(
      `${connections} clients held with ${rss} MB, ${memory.at(-1)} MB and ${descriptorsOf(daemon.pid)} descriptors after`,
    );
  }
  const [first = 0, second = 0] = memory;
  counts["crowdGrowthMB"] = second - first;
  counts["descriptorsLeft"] = descriptorsOf(daemon.pid) - before;
  if (second - first > NOISE) failures.push(`the second crowd left ${second - first} MB`);
}

async function gather(port: number, crowd: number, scale: Scale): Promise<readonly RawSmtp[]> {
  const held: RawSmtp[] = [];
  await atATime(scale.sessions, scale.crowd, async (n) => {
    const address = addressOf(crowd, n);
    const smtp = await arrive(port, address);
    if (smtp === undefined) return;
    await smtp.command(`MAIL FROM:<${address}@${SENDER_DOMAIN}>`);
    await smtp.command(`RCPT TO:<${RECIPIENT}>`);
    held.push(smtp);
  });
  return held;
}

/** Clients of one network and several addresses ask for more than they may have, all at once. */
async function proveCaps(daemon: Daemon, threads: number, { counts, failures, say }: Parts): Promise<void> {
  let taken = 0;
  const byAddress = new Map<string, number>();
  await atATime(16, 16, async (n) => {
    const address = addressOf(40, n % 4);
    const smtp = await arrive(daemon.smtpPort, address);
    for (let mail = 0; mail < 20; mail++) {
      if ((await smtp?.command(`MAIL FROM:<${address}@${SENDER_DOMAIN}>`))?.code === 250) {
        taken += 1;
        byAddress.set(address, (byAddress.get(address) ?? 0) + 1);
        await smtp?.command("RSET");
      }
    }
    smtp?.close();
  });
  const most = Math.max(...byAddress.values());
  say(`${threads} threads: ${taken} mails of one network, at most ${most} of one address`);
  counts[`cappedWith${threads}`] = taken;
  if (taken !== 50 || most > 20)
    failures.push(`${threads} threads: ${taken} and ${most} instead of 50 and 20`);
}
