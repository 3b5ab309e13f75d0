/** The daemon with all checks on, and the same with them off, each with a DNS and a primary of its own. */
import { join } from "node:path";
import type { TraceBody } from "../src/endpoints/admin/contract.ts";
import { arrive } from "../test/support/clients.ts";
import { clientWorld, LISTS, SENDER_DOMAIN } from "../test/support/client-dns.ts";
import { Daemon } from "../test/support/daemon.ts";
import type { FakeDns } from "../test/support/fake-dns.ts";
import { fakePrimary, type FakePrimary } from "../test/support/fake-primary.ts";
import { ALL_ON, deliverAll, PUT_OFF_FOR, untilListsAreSound } from "../test/support/guarded-door.ts";
import { waitFor } from "../test/support/wait.ts";
import { DOMAIN } from "./contestants.ts";

/** Addresses of the load, in turn. */
export const RECIPIENTS = Array.from({ length: 100 }, (_, n) => `user${n + 1}@${DOMAIN}`);
/** Networks of clients; the first of each is known before the load. */
export const NETWORKS = 250;

/** Milliseconds. */
const DNS_DELAY = 20;
const STRANGER = `nobody@${DOMAIN}`;
/** Milliseconds. */
const DEADLINE = 60_000;
/** Part of the clients of which a list was asked, at least: datagrams are lost while others have the processors. */
const MOSTLY = 0.99;
/** Each of them is in the trace of a mail. */
const LOOKED = [
  "helo",
  "earlyTalker",
  "dnsbl",
  "clientName",
  "senderDomain",
  "spf",
  "reachability",
  "greylist",
  "callout",
];

export interface Side extends AsyncDisposable {
  readonly guarded: boolean;
  readonly daemon: Daemon;
  readonly dns: FakeDns;
  readonly primary: FakePrimary;
  /** Addresses of clients that were new, so far. */
  seen: number;
}

export function clientOf(network: number, host: number): string {
  return `127.10.${network}.${host}`;
}

/** Ready for the load: lists tested, recipients known, the primary away, one client of each network known. */
export async function openSide(folder: string, guarded: boolean): Promise<Side> {
  const dns = await clientWorld(DNS_DELAY);
  const exists = (address: string): boolean => /^(?:user\d+|postmaster)@/.test(address);
  const primary = await fakePrimary({
    onRcpt: (address) => (exists(address) ? undefined : "550 5.1.1 no such user"),
  });
  const locals = RECIPIENTS.map((address) => address.slice(0, address.indexOf("@")));
  const daemon = await Daemon.start({
    folder: join(folder, guarded ? "guarded" : "open"),
    primaryPort: primary.port,
    domain: DOMAIN,
    domainSettings: {
      recipients: guarded ? { callout: true } : locals,
      // So only an address that the memory of callouts has is taken.
      unknownDuringOutage: "reject",
    },
    settings: { dns: { servers: [dns.server] }, checks: guarded ? ALL_ON : {} },
  });
  const close = async (): Promise<void> => {
    await daemon.stop();
    await primary.close();
    await dns[Symbol.asyncDispose]();
  };
  const side = { guarded, daemon, dns, primary, seen: 0, [Symbol.asyncDispose]: close };
  try {
    if (guarded) await warmCallouts(side);
    await primary.close();
    await becomeKnown(side);
    await daemon.primaryBecomes("down", DEADLINE);
    return side;
  } catch (error) {
    await close();
    throw error;
  }
}

/** Names each recipient while the primary is up, until each is taken. */
async function warmCallouts({ daemon, primary }: Side): Promise<void> {
  await untilListsAreSound(daemon);
  const client = clientOf(0, 1);
  let left = RECIPIENTS;
  await waitFor(
    { what: "all recipients are known", deadline: DEADLINE, every: PUT_OFF_FOR + 100 },
    async () => {
      const smtp = await arrive(daemon.smtpPort, client);
      await smtp?.command(`MAIL FROM:<${client}@${SENDER_DOMAIN}>`);
      const codes: number[] = [];
      for (const address of left) codes.push((await smtp?.command(`RCPT TO:<${address}>`))?.code ?? 0);
      smtp?.close();
      left = left.filter((_, n) => codes[n] !== 250);
      return left.length === 0;
    },
  );
  const asked = RECIPIENTS.map((address) => rcptsFor(address, primary));
  if (asked.some((count) => count === 0)) throw new Error("a recipient was taken and the primary not asked");
}

function rcptsFor(address: string, { commands }: FakePrimary): number {
  return commands.filter((line) => line === `RCPT TO:<${address}>`).length;
}

/** One mail of a client of each network, which has to come again where it is put off. */
async function becomeKnown({ daemon }: Side): Promise<void> {
  const load = {
    mails: NETWORKS,
    sessions: 50,
    client: (n: number) => clientOf(n, 1),
    recipient: () => RECIPIENTS[0] ?? "",
  };
  await waitFor({ what: "all clients are known", deadline: DEADLINE, every: PUT_OFF_FOR }, async () => {
    return (await deliverAll(daemon, load)).get(250) === NETWORKS;
  });
}

/** Throws unless each list was asked about so many clients since that question, or nothing at all where checks are off. */
export function expectListsAsked({ dns, guarded }: Side, since: number, clients: number): void {
  const asked = dns.questions.slice(since);
  for (const list of LISTS) {
    const names = new Set(asked.filter((question) => question.endsWith(`.${list}`)));
    if (guarded && names.size < MOSTLY * clients)
      throw new Error(`${list} was asked about ${names.size} clients of ${clients}`);
  }
  if (!guarded && dns.questions.length > 0)
    throw new Error(`without checks the DNS was asked ${dns.questions[0]}`);
}

/** Throws unless every check has looked at a mail of this sender, or none where they are off. */
export async function expectLooks({ daemon, guarded }: Side, sender: string): Promise<void> {
  const looked = await waitFor(
    { what: `the trace of ${sender}`, deadline: DEADLINE, every: 100 },
    async () => {
      const { lines } = await daemon.api<TraceBody>("GET", `/v1/trace?about=${encodeURIComponent(sender)}`);
      return lines.find(({ kind }) => kind === "mail.accepted");
    },
  );
  const names = new Set(looked.checks?.map(({ check }) => check));
  const wrong = LOOKED.filter((name) => names.has(name) !== guarded);
  if (wrong.length > 0) throw new Error(`${guarded ? "did not look" : "looked"}: ${wrong.join(", ")}`);
}

/** Throws unless a recipient that no callout told of is refused. */
export async function expectStrangerRefused({ daemon }: Side): Promise<void> {
  const told = await deliverAll(daemon, {
    mails: 1,
    sessions: 1,
    client: () => clientOf(0, 1),
    recipient: () => STRANGER,
  });
  if (told.get(550) !== 1) throw new Error(`a stranger was told ${[...told.keys()].join()}`);
}
