/**
 * What the checks of clients cost: `npm run bench -- checks`. The daemon with every one on beside the same with all
 * off, in turns: three lists, names, sender domain and SPF, which the DNS answers after 20 ms; greylisting; callouts.
 *
 * All recipients were asked for at the primary before the load; then it went away, and `unknownDuringOutage: reject`
 * takes nobody whom the memory of callouts lacks. Each run counts the queue and the questions to the DNS, and looks
 * into the trace of a mail: without checks there must be neither questions nor looks.
 */
import { helloOf } from "../test/support/clients.ts";
import { SENDER_DOMAIN } from "../test/support/client-dns.ts";
import { deliverAll, workOf } from "../test/support/guarded-door.ts";
import { median } from "../test/support/quantiles.ts";
import { tempFolder } from "../test/support/temp-folder.ts";
import { runSmtpSource } from "../test/peers/smtp-source.ts";
import {
  clientOf,
  expectListsAsked,
  expectLooks,
  expectStrangerRefused,
  NETWORKS,
  openSide,
  RECIPIENTS,
  type Side,
} from "./guarded-side.ts";
import { needPeers } from "./load.ts";
import { publish, readChoice, scaled, turnAbout, type Choice, type Row } from "./rows.ts";

interface Line {
  readonly what: string;
  readonly messages: number;
  /** Hands over so many mails; answers one of their senders. */
  readonly send: (side: Side, messages: number) => Promise<string>;
  readonly goal: string;
  /** Each mail has a client of which the DNS was never asked. */
  readonly unknown: boolean;
}

/** Connections at a time. */
const SESSIONS = 50;
/** Octets of a mail. */
const SIZE = 4096;
const senderOf = (client: string): string => `${client}@${SENDER_DOMAIN}`;

const LINES: readonly Line[] = [
  {
    what: "sessions that stay open, one client",
    goal: ">= 0.5 x",
    messages: 5000,
    send: sendOverOpenSessions,
    unknown: false,
  },
  {
    what: "a connection for each mail, 250 known clients",
    goal: ">= 0.5 x",
    messages: 4000,
    send: sendFromKnown,
    unknown: false,
  },
  {
    what: "a connection and a new address for each mail",
    goal: "",
    messages: 4000,
    send: sendFromNew,
    unknown: true,
  },
];

export async function benchChecks(args: readonly string[]): Promise<void> {
  const choice = readChoice(args, 4);
  needPeers();
  await using place = await tempFolder(choice.folder);
  await using guarded = await openSide(place.path, true);
  await using open = await openSide(place.path, false);
  const rows: Row[] = [];
  const questions: number[] = [];
  for (const line of LINES) rows.push(...(await compare([guarded, open], { line, choice, questions })));
  const heads = ["checks on", "checks off"];
  await publish({ name: "checks", heads, rows, words: wordsOn(questions) }, choice);
}

interface Comparison {
  readonly line: Line;
  readonly choice: Choice;
  /** Of the DNS for each mail from a new address, round by round. */
  readonly questions: number[];
}

async function compare(sides: readonly Side[], { line, choice, questions }: Comparison): Promise<Row[]> {
  const messages = scaled(line.messages, choice);
  // The first ones of a kind compile what all use.
  for (const side of sides) await line.send(side, scaled(line.messages / 4, choice));
  const cpu: number[][] = sides.map(() => []);
  const runs = sides.map((side, at) => ({
    name: side.guarded ? "checks on" : "checks off",
    run: async () => {
      const asked = side.dns.questions.length;
      const work = await deliver(side, line, messages);
      cpu[at]?.push(work.cpu);
      if (side.guarded && line.unknown) questions.push((side.dns.questions.length - asked) / messages);
      return work.rate;
    },
  }));
  const columns = await turnAbout(line.what, choice, runs);
  return [
    { what: `${line.what}, mails/s`, goal: line.goal, columns },
    { what: "the daemon's processor time for each, ms", goal: "", columns: cpu, digits: 2 },
  ];
}

async function deliver(side: Side, line: Line, messages: number): Promise<{ rate: number; cpu: number }> {
  const { daemon, dns } = side;
  const [held, asked] = [await daemon.held(), dns.questions.length];
  let sender = "";
  const work = await workOf(daemon, async () => {
    sender = await line.send(side, messages);
    return messages;
  });
  const taken = (await daemon.held()) - held;
  if (taken !== messages) throw new Error(`${taken} mails in the queue instead of ${messages}`);
  await expectLooks(side, sender);
  await expectStrangerRefused(side);
  if (line.unknown) expectListsAsked(side, asked, messages);
  return work;
}

async function sendOverOpenSessions({ daemon }: Side, messages: number): Promise<string> {
  const client = "127.0.0.1";
  const [from, to = "", helo] = [senderOf(client), RECIPIENTS[0], helloOf(client)];
  const load = { port: daemon.smtpPort, sessions: SESSIONS, messages, size: SIZE, reuse: true };
  await runSmtpSource({ ...load, from, to, helo });
  return from;
}

function sendFromKnown(side: Side, messages: number): Promise<string> {
  return sendFrom(side, messages, (n) => clientOf(n % NETWORKS, 1));
}

/** The network delivered mail before, so that nobody waits for the greeting; the address did not. */
function sendFromNew(side: Side, messages: number): Promise<string> {
  const first = side.seen;
  side.seen += messages;
  return sendFrom(side, messages, (n) =>
    clientOf((first + n) % NETWORKS, 2 + Math.floor((first + n) / NETWORKS)),
  );
}

async function sendFrom({ daemon }: Side, mails: number, client: (n: number) => string): Promise<string> {
  const recipient = (n: number): string => RECIPIENTS[n % RECIPIENTS.length] ?? "";
  const told = await deliverAll(daemon, { mails, sessions: SESSIONS, client, recipient });
  if (told.get(250) !== mails)
    throw new Error(`clients were told ${[...told].map(([code, n]) => `${code}: ${n}`).join(", ")}`);
  return senderOf(client(mails - 1));
}

function wordsOn(questions: readonly number[]): string {
  return `Mails of 4 KB from ${SESSIONS} sessions at once into two daemons that differ in their checks alone. On: three lists, HELO, early talkers,
the client's name (iprev), sender domain, SPF, reachability, greylisting (all clients have passed), callouts (asked for each of
${RECIPIENTS.length} recipients before the primary went away; who is not in that memory is refused). Off: none, the recipients are a list. The
primary is away for both, DKIM, DMARC and scanners are off in both. The DNS answers after 20 ms. What it said is remembered, so
that the first two lines hardly ask it. The third asks ${median(questions).toFixed(0)} questions for each mail, more than the goal speaks of: only the
networks of its clients are known. Load and DNS share the processors with the daemon. Counted each time: the queue, the
questions, the checks in the trace of a mail, and that a stranger is refused.`;
}
