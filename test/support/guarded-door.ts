/** Every check of clients at once, and mail from many clients past them: for the proof of the front door and its bench. */
import { atATime, deliverFrom } from "./clients.ts";
import { LISTS } from "./client-dns.ts";
import type { Daemon } from "./daemon.ts";
import { cpuTime } from "./process-usage.ts";
import { waitFor } from "./wait.ts";

/** Who comes again after so many ms is known. */
export const PUT_OFF_FOR = 1000;

/** `checks` of a configuration, for a DNS as in client-dns.ts. */
export const ALL_ON = {
  dnsbl: { lists: LISTS.map((zone) => ({ zone })), defer: 1, reject: 3 },
  greylist: { delay: `${PUT_OFF_FOR}ms` },
  reachability: { delay: `${PUT_OFF_FOR}ms` },
  helo: "defer",
  earlyTalker: "defer",
  clientName: "defer",
  senderDomain: "defer",
  spf: "defer",
  access: [{ action: "block", network: "192.0.2.0/24" }],
};

export async function untilListsAreSound(daemon: Daemon): Promise<void> {
  await waitFor({ what: "the lists are tested", deadline: 60_000, every: 100 }, async () => {
    const { lists } = await daemon.status();
    return lists.length === LISTS.length && lists.every(({ state }) => state === "sound");
  });
}

/** One mail of the nth client, each over a connection of its own. */
interface CrowdLoad {
  readonly mails: number;
  /** Connections at a time. */
  readonly sessions: number;
  readonly client: (n: number) => string;
  readonly recipient: (n: number) => string;
}

/** How many got which code for their mail; 0: none. */
export async function deliverAll(
  { smtpPort }: Pick<Daemon, "smtpPort">,
  { mails, sessions, client, recipient }: CrowdLoad,
): Promise<ReadonlyMap<number, number>> {
  const told = new Map<number, number>();
  await atATime(sessions, mails, async (n) => {
    const code = await deliverFrom(smtpPort, client(n), recipient(n));
    told.set(code, (told.get(code) ?? 0) + 1);
  });
  return told;
}

export interface Work {
  /** Mails a second. */
  readonly rate: number;
  /** The daemon's CPU time for one mail, in ms. */
  readonly cpu: number;
}

/** What it costs the daemon to take as many mails as `send` says that it took. */
export async function workOf({ pid }: Daemon, send: () => Promise<number>): Promise<Work> {
  const [begin, spent] = [performance.now(), cpuTime(pid)];
  const mails = await send();
  const seconds = (performance.now() - begin) / 1000;
  return { rate: mails / seconds, cpu: (cpuTime(pid) - spent) / mails };
}
