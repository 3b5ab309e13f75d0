/**
 * Load whose every mail is accounted for: each carries an X-Proof-Id, and the ledger learns whether its 250 was
 * read, whether it was refused, or whether the connection was lost after the final dot. Same seed, same mails.
 */
import type { Ledger } from "../prove/checker.ts";
import { asData, openSmtp, type RawSmtp } from "./raw-smtp.ts";
import { seededRandom, type Random } from "./random.ts";
import { pause } from "./wait.ts";

export interface LoadPlan {
  readonly port: number;
  readonly domain: string;
  /** Local parts to choose from. */
  readonly recipients: readonly string[];
  readonly seed: number;
  /** SMTP sessions at the same time. */
  readonly sessions: number;
  /** Octets of a body; each mail is between half of it and it. */
  readonly size: number;
  /** Most recipients of one mail. */
  readonly maxRecipients?: number;
  /** Each mail goes to all recipients instead. */
  readonly everybody?: boolean;
  /** Of each of these, one mail in `oneIn` has up to `size` octets instead. */
  readonly others?: readonly { readonly size: number; readonly oneIn: number }[];
  readonly ledger: Ledger;
}

interface Load {
  /** Mails offered so far. */
  readonly offered: number;
  /** Offers this many mails more and resolves when each has its answer. */
  send(count: number): Promise<void>;
  /** Offers until `stop` is aborted; a session whose connection is lost connects again. */
  sendUntil(stop: AbortSignal): Promise<void>;
}

/** Milliseconds between two attempts to connect while nobody listens; many sessions must not slow the start they wait for. */
const RECONNECT = 100;

export function createLoad(plan: LoadPlan): Load {
  const state = { offered: 0 };
  const random = seededRandom(plan.seed);
  const next = (): Letter => {
    state.offered += 1;
    return makeLetter(plan, random, state.offered);
  };
  const run = async (wanted: () => boolean): Promise<void> => {
    await Promise.all(Array.from({ length: plan.sessions }, () => runSession(plan, next, wanted)));
  };
  return {
    get offered() {
      return state.offered;
    },
    send: (count) => {
      const end = state.offered + count;
      return run(() => state.offered < end);
    },
    sendUntil: (stop) => run(() => !stop.aborted),
  };
}

interface Letter {
  readonly id: string;
  readonly recipients: readonly string[];
  readonly body: Buffer;
}

const WORDS = [
  "mail",
  "held",
  "while",
  "the",
  "primary",
  "is",
  "away",
  ".",
  "..",
  ".x",
  "Grüße",
  "=3D",
  "From",
  "-- ",
];

function makeLetter(plan: LoadPlan, random: Random, n: number): Letter {
  const id = `${plan.seed}-${n}`;
  const count = 1 + random.below(plan.maxRecipients ?? 1);
  const chosen = Array.from({ length: count }, () => random.pick(plan.recipients));
  const locals = new Set(plan.everybody === true ? plan.recipients : chosen);
  const { size: most } = plan.others?.find(({ oneIn }) => random.below(oneIn) === 0) ?? plan;
  const half = Math.ceil(most / 2);
  const size = half + random.below(half);
  let text = `X-Proof-Id: ${id}\r\nFrom: load@sender.example\r\nSubject: proof ${id}\r\nMessage-ID: <${id}@sender.example>\r\n\r\n`;
  while (text.length < size) {
    const line = Array.from({ length: 8 }, () => random.pick(WORDS)).join(" ");
    text += `${line}\r\n`;
  }
  return { id, recipients: [...locals].map((local) => `${local}@${plan.domain}`), body: Buffer.from(text) };
}

async function runSession(plan: LoadPlan, next: () => Letter, wanted: () => boolean): Promise<void> {
  let smtp: RawSmtp | undefined;
  while (wanted()) {
    smtp ??= await connect(plan.port);
    if (smtp === undefined) {
      await pause(RECONNECT);
      continue;
    }
    if (!wanted()) break;
    const letter = next();
    plan.ledger.offer(letter.id, letter.body, letter.recipients);
    if (await sendLetter(smtp, letter, plan.ledger)) continue;
    smtp.close();
    smtp = undefined;
  }
  if (smtp !== undefined) await smtp.quit();
}

async function connect(port: number): Promise<RawSmtp | undefined> {
  const smtp = await openSmtp(port);
  const hello = await smtp?.command("EHLO load.holdfast.test");
  if (hello?.code === 250) return smtp;
  smtp?.close();
  return undefined;
}

/** One transaction, its commands pipelined (RFC 2920). False: the connection is of no more use. */
async function sendLetter(smtp: RawSmtp, letter: Letter, ledger: Ledger): Promise<boolean> {
  const commands = [
    "MAIL FROM:<load@sender.example> BODY=8BITMIME",
    ...letter.recipients.map((to) => `RCPT TO:<${to}>`),
  ];
  smtp.write(`${[...commands, "DATA"].join("\r\n")}\r\n`);
  const codes: number[] = [];
  for (let n = 0; n <= commands.length; n++) codes.push((await smtp.reply())?.code ?? 0);
  const taken = letter.recipients.filter((_, n) => codes[n + 1] === 250);
  const goAhead = codes.at(-1) === 354;
  if (!goAhead) {
    const refusal = codes.find((code) => code !== 250) ?? 0;
    ledger.nack(letter.id, refusal);
    if (codes.includes(0) || codes.includes(421)) return false;
    return (await smtp.command("RSET"))?.code === 250;
  }
  smtp.write(asData(letter.body));
  const last = await smtp.reply();
  if (last === undefined) ledger.unknown(letter.id, taken);
  else if (last.code === 250) ledger.ack(letter.id, taken);
  else ledger.nack(letter.id, last.code);
  return last !== undefined && last.code !== 421;
}
