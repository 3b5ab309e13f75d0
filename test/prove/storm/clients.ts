/** Senders of all manners. What each was told goes into the ledger. */
import { asData, queueIdOf, type RawReply, type RawSmtp } from "../../support/raw-smtp.ts";
import type { Random } from "../../support/random.ts";
import { pause } from "../../support/wait.ts";
import type { Ledger } from "../checker.ts";
import { openSession } from "./connecting.ts";
import { BLOCKED, Letters, type Letter } from "./letters.ts";
import { livesIn, placeOfAddress } from "./places.ts";

const MANNERS = [
  "lock step",
  "pipelined",
  "pipelined",
  "pipelined",
  "chunks",
  "train",
  "train",
  "reset",
  "talk",
  "gone in DATA",
  "gone in BDAT",
  "gone before the reply",
] as const;
const TALK = [
  "NOOP",
  "RSET",
  "ETRN a.test",
  "ETRN y.test",
  "VRFY alice",
  "EHLO again",
  "WHAT",
  "MAIL FROM:<x",
];

/** In the order of the commands; undefined: the connection had ended. */
type Replies = readonly (RawReply | undefined)[];

interface SendersPlan {
  readonly port: number;
  readonly random: Random;
  readonly letters: Letters;
  readonly ledger: Ledger;
  /** The storage thread has ended: what it was given before may be stored, whatever is said. */
  readonly dying: () => boolean;
}

export class Senders {
  readonly #plan: SendersPlan;
  /** Queue ids that replies named, by the id of the mail. */
  readonly ids = new Map<string, string>();
  /** Replies that should not have been given. */
  readonly complaints: string[] = [];

  constructor(plan: SendersPlan) {
    this.#plan = plan;
  }

  /** So many senders at a time, until told to stop. */
  async send(senders: number, stop: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: senders }, () => this.#run(stop)));
  }

  async #run(stop: AbortSignal): Promise<void> {
    const { port, ledger, random } = this.#plan;
    let smtp: RawSmtp | undefined;
    while (!stop.aborted) {
      smtp ??= await openSession(port, random);
      const before = ledger.count("acked");
      const goesOn = smtp !== undefined && (await this.#speak(smtp));
      // Nobody who was put off comes again at once.
      if (ledger.count("acked") === before) await pause(random.below(60));
      if (goesOn) continue;
      smtp?.close();
      smtp = undefined;
    }
    smtp?.close();
  }

  /** One turn of speech; false: the connection is of no more use. */
  async #speak(smtp: RawSmtp): Promise<boolean> {
    const { random } = this.#plan;
    const manner = random.pick(MANNERS);
    if (manner === "talk") return (await smtp.command(random.pick(TALK))) !== undefined;
    if (manner === "train") return this.#train(smtp);
    if (manner === "reset") return this.#takeBack(smtp);
    const letter = this.#write();
    if (manner === "chunks") return this.#inChunks(smtp, letter);
    if (manner === "gone in BDAT") return this.#leaveInChunks(smtp, letter);
    const replies = await this.#open(smtp, letter, manner === "lock step");
    if (replies.at(-1)?.code !== 354) return this.#abandon(smtp, letter, replies);
    const taken = this.#takenOf(letter, replies);
    const body = asData(letter.body);
    if (manner === "gone in DATA") return this.#leave(smtp, letter, body.subarray(0, -3));
    await this.#pour(smtp, body);
    if (manner !== "gone before the reply") return this.#close(letter, taken, await smtp.reply());
    await pause(random.below(5));
    this.#plan.ledger.unknown(letter.id, taken);
    return false;
  }

  #write(): Letter {
    const letter = this.#plan.letters.next();
    this.#plan.ledger.offer(letter.id, letter.body, letter.recipients);
    return letter;
  }

  /** MAIL, RCPT and DATA. */
  async #open(smtp: RawSmtp, { envelope }: Letter, lockStep: boolean): Promise<Replies> {
    const lines = [...envelope, "DATA"];
    if (!lockStep) smtp.write(`${lines.join("\r\n")}\r\n`);
    const replies: (RawReply | undefined)[] = [];
    for (const line of lines) replies.push(lockStep ? await smtp.command(line) : await smtp.reply());
    return replies;
  }

  async #abandon(smtp: RawSmtp, letter: Letter, replies: Replies): Promise<boolean> {
    this.#takenOf(letter, replies);
    this.#plan.ledger.nack(letter.id, replies.at(-1)?.code ?? 0);
    return replies.every((reply) => reply !== undefined) && (await smtp.command("RSET"))?.code === 250;
  }

  /** At once, or in pieces that may end anywhere. */
  async #pour(smtp: RawSmtp, octets: Buffer): Promise<void> {
    const { random } = this.#plan;
    let from = 0;
    for (let pieces = random.below(4); pieces > 0; pieces--) {
      const end = from + random.below(octets.length - from + 1);
      smtp.write(octets.subarray(from, end));
      from = end;
      await pause(0);
    }
    smtp.write(octets.subarray(from));
  }

  /** Writes what is not all of the mail, and is gone. */
  async #leave(smtp: RawSmtp, letter: Letter, octets: Buffer): Promise<false> {
    smtp.write(octets);
    await pause(this.#plan.random.below(20));
    this.#plan.ledger.nack(letter.id, 0);
    return false;
  }

  #close(letter: Letter, taken: readonly string[], last: RawReply | undefined): boolean {
    const { ledger, dying } = this.#plan;
    if (last?.code === 250) {
      ledger.ack(letter.id, taken);
      this.#note(letter, last);
    } else if (last === undefined || dying()) ledger.unknown(letter.id, taken);
    else {
      ledger.nack(letter.id, last.code);
      if (isWronglyRefused(letter, last)) this.complaints.push(`${letter.id}: ${last.lines.join(" / ")}`);
    }
    return last !== undefined && last.code !== 421;
  }

  #note({ id }: Letter, reply: RawReply): void {
    const queueId = queueIdOf(reply);
    if (queueId === undefined) this.complaints.push(`${id}: a 250 without an id: ${reply.lines.join(" / ")}`);
    else this.ids.set(id, queueId);
  }

  /** BDAT in some pieces, nothing of it waited for; the last may be empty. */
  async #inChunks(smtp: RawSmtp, letter: Letter): Promise<boolean> {
    const { random } = this.#plan;
    const cuts = Array.from({ length: random.below(4) }, () => random.below(letter.body.length + 1));
    const ends = [...cuts.sort((a, b) => a - b), letter.body.length];
    const pieces = ends.map((end, n) => letter.body.subarray(ends[n - 1] ?? 0, end));
    const chunks = pieces.map((piece, n) => chunk(piece, n === pieces.length - 1));
    await this.#pour(smtp, Buffer.concat([Buffer.from(`${letter.envelope.join("\r\n")}\r\n`), ...chunks]));
    const replies = await repliesOf(smtp, letter.envelope.length + chunks.length);
    this.#closeChunks(letter, replies);
    return replies.at(-1)?.code === 250 || (await smtp.command("RSET"))?.code === 250;
  }

  /** The whole mail was written at once: where replies are missing, it may be taken all the same. */
  #closeChunks(letter: Letter, replies: Replies): void {
    const taken = this.#takenOf(letter, replies);
    // Behind a chunk that is refused, further ones are a wrong sequence, RFC 3030 §2.
    const refusing = replies.slice(letter.envelope.length).find((reply) => (reply?.code ?? 0) >= 400);
    const last = refusing ?? replies.at(-1);
    const wasClosed = replies.some((reply) => reply?.code === 421);
    const unheard = letter.recipients.filter((_, n) => replies[n + 1] === undefined);
    if (last === undefined && !wasClosed) this.#plan.ledger.unknown(letter.id, [...taken, ...unheard]);
    else if (last === undefined || taken.length === 0) this.#plan.ledger.nack(letter.id, last?.code ?? 421);
    else this.#close(letter, taken, last);
  }

  #leaveInChunks(smtp: RawSmtp, letter: Letter): Promise<false> {
    const [first, second] = this.#halves(letter);
    const octets = [
      Buffer.from(`${letter.envelope.join("\r\n")}\r\n`),
      chunk(first, false),
      chunk(second, true).subarray(0, -1),
    ];
    return this.#leave(smtp, letter, Buffer.concat(octets));
  }

  #halves({ body }: Letter): readonly [Buffer, Buffer] {
    const cut = this.#plan.random.below(body.length);
    return [body.subarray(0, cut), body.subarray(cut)];
  }

  /** Several mails behind each other, without waiting for any reply. */
  async #train(smtp: RawSmtp): Promise<boolean> {
    const letters = Array.from({ length: 2 + this.#plan.random.below(4) }, () => this.#write());
    for (const { envelope, body } of letters) {
      smtp.write(`${envelope.join("\r\n")}\r\n`);
      smtp.write(chunk(body, true));
      smtp.write("RSET\r\n");
    }
    let last: RawReply | undefined;
    let wasClosed = false;
    for (const letter of letters) {
      const replies = await repliesOf(smtp, letter.envelope.length + 2);
      // What comes behind a 421 was not even read.
      if (wasClosed) this.#plan.ledger.nack(letter.id, 421);
      else this.#closeChunks(letter, replies.slice(0, -1));
      wasClosed ||= replies.some((reply) => reply?.code === 421);
      last = replies.at(-1);
    }
    return last?.code === 250;
  }

  /** An envelope, perhaps with a part of a body, that is taken back: nothing of it may arrive. */
  async #takeBack(smtp: RawSmtp): Promise<boolean> {
    const letter = this.#write();
    const half = this.#plan.random.below(2);
    smtp.write(`${letter.envelope.join("\r\n")}\r\n`);
    if (half === 1) smtp.write(chunk(letter.body, false));
    smtp.write("RSET\r\n");
    const replies = await repliesOf(smtp, letter.envelope.length + half + 1);
    this.#takenOf(letter, replies);
    this.#plan.ledger.nack(letter.id, 0);
    return replies.at(-1)?.code === 250;
  }

  /** Whose RCPT got its 250; also looks whether each reply is one that this recipient may get. */
  #takenOf(letter: Letter, replies: Replies): readonly string[] {
    if (replies[0]?.code !== 250) return [];
    return letter.recipients.filter((recipient, n) => {
      const reply = replies[n + 1];
      const wrong = reply === undefined ? undefined : whatIsWrong(letter, recipient, reply);
      if (wrong !== undefined) this.complaints.push(`${letter.id}: ${wrong}: ${reply?.lines.join(" / ")}`);
      return reply?.code === 250;
    });
  }
}

async function repliesOf(smtp: RawSmtp, count: number): Promise<Replies> {
  const replies: (RawReply | undefined)[] = [];
  for (let n = 0; n < count; n++) replies.push(await smtp.reply());
  return replies;
}

function chunk(piece: Buffer, last: boolean): Buffer {
  return Buffer.concat([Buffer.from(`BDAT ${piece.length}${last ? " LAST" : ""}\r\n`), piece]);
}

function whatIsWrong({ sender }: Letter, recipient: string, { code, lines }: RawReply): string | undefined {
  const place = placeOfAddress(recipient);
  const lives = place === undefined ? "never" : livesIn(place, recipient);
  if (place?.closed !== false && lives === "never" && code === 250) return `${recipient} was taken`;
  // By a rule of access; too large, or no SMTPUTF8, for all primaries of its domain.
  const excused = BLOCKED.includes(sender) || /5\.3\.4|5\.6\.7/.test(lines[0] ?? "");
  const refused = code >= 500 && place?.sure === true && lives === "always" && !excused;
  return refused ? `${recipient} was refused for good` : undefined;
}

/** Too large, or in need of SMTPUTF8, is so for good; a scanner's word may be. */
function isWronglyRefused({ scanned }: Letter, { code, lines }: RawReply): boolean {
  const said = lines[0] ?? "";
  return (
    code >= 500 && !/^(?:552 5\.3\.4|550 5\.6\.9)/.test(said) && !(scanned && said.startsWith("550 5.7.1"))
  );
}
