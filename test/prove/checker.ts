/**
 * What goes in must come out. A ledger keeps what was offered, what got its 250, and what arrived; the verdict
 * names every mail that was lost, doubled, altered or invented. The sum over everything, not samples.
 *
 *   offered -> acked     a 250 to the final dot was read: it must arrive, unaltered, once for each recipient
 *           -> nacked    another reply, or the connection was lost before the final dot: it must not arrive
 *           -> unknown   the connection was lost after the final dot: it may arrive, once (RFC 1047)
 *
 * A recipient that got it twice counts as doubled, unless the product itself named that transfer as a possible
 * double, as often as it happened.
 */
import { createHash } from "node:crypto";

type Fate = "offered" | "acked" | "nacked" | "unknown";

interface Offer {
  readonly hash: string;
  recipients: readonly string[];
  fate: Fate;
  code: number;
}

/** One arrival at a sink. */
interface Arrival {
  readonly proofId: string | undefined;
  /** The product's id of the mail, by which it names possible doubles. */
  readonly queueId: string | undefined;
  readonly recipients: readonly string[];
  readonly hash: string;
}

interface Verdict {
  readonly counts: Readonly<
    Record<
      | "offered"
      | "acked"
      | "nacked"
      | "unknown"
      | "arrived"
      | "lost"
      | "doubled"
      | "doubledButNamed"
      | "altered"
      | "invented"
      | "held",
      number
    >
  >;
  /** Empty when all is well; at most MAX_FAILURES sentences. */
  readonly failures: readonly string[];
}

const MAX_FAILURES = 20;

export class Ledger {
  readonly #offers = new Map<string, Offer>();
  readonly #arrivals: Arrival[] = [];
  readonly #named = new Map<string, number>();
  readonly #held = new Set<string>();

  offer(id: string, body: Buffer, recipients: readonly string[]): void {
    if (this.#offers.has(id)) throw new Error(`${id} was offered before`);
    const hash = createHash("sha256").update(body).digest("hex");
    this.#offers.set(id, { hash, recipients: recipients.map(comparable), fate: "offered", code: 0 });
  }

  /** Its 250 was read; `recipients` are those whose RCPT got a 250. */
  ack(id: string, recipients: readonly string[]): void {
    const offer = this.#close(id, "acked");
    offer.recipients = recipients.map(comparable);
  }

  /** Refused with `code`; 0: the connection was lost before the final dot. */
  nack(id: string, code: number): void {
    this.#close(id, "nacked").code = code;
  }

  unknown(id: string, recipients: readonly string[]): void {
    this.#close(id, "unknown").recipients = recipients.map(comparable);
  }

  sink(arrival: Arrival): void {
    this.#arrivals.push(arrival);
  }

  /** The product says that this transfer may have happened `times` times more often than once. */
  name(queueId: string, recipient: string, times: number): void {
    this.#named.set(`${queueId} ${comparable(recipient)}`, times);
  }

  /** The product still has it, and says so; it counts as not lost. */
  hold(id: string, recipient: string): void {
    this.#held.add(`${id} ${comparable(recipient)}`);
  }

  count(fate: Fate): number {
    let count = 0;
    for (const offer of this.#offers.values()) if (offer.fate === fate) count += 1;
    return count;
  }

  /** Recipients of acked mails that have not arrived. */
  missing(): number {
    const arrived = this.#arrivedKeys();
    let missing = 0;
    for (const [id, offer] of this.#offers) {
      if (offer.fate !== "acked") continue;
      missing += offer.recipients.filter((recipient) => !arrived.has(`${id} ${recipient}`)).length;
    }
    return missing;
  }

  check(): Verdict {
    const arrived = this.#arrivedKeys();
    const lost = this.#lost(arrived);
    const doubles = this.#doubles(arrived);
    const altered = this.#arrivals
      .filter((mail) => this.#isAltered(mail))
      .map((mail) => `altered: ${mail.proofId}`);
    const invented = this.#invented(arrived);
    const failures = [...lost, ...doubles.unnamed, ...altered, ...invented];
    const more = failures.length - MAX_FAILURES;
    return {
      counts: {
        offered: this.#offers.size,
        acked: this.count("acked"),
        nacked: this.count("nacked"),
        unknown: this.count("unknown"),
        arrived: this.#arrivals.length,
        lost: lost.length,
        doubled: doubles.unnamed.length,
        doubledButNamed: doubles.named,
        altered: altered.length,
        invented: invented.length,
        held: this.#held.size,
      },
      failures: more > 0 ? [...failures.slice(0, MAX_FAILURES), `and ${more} more`] : failures,
    };
  }

  #close(id: string, fate: Fate): Offer {
    const offer = this.#offers.get(id);
    if (offer === undefined) throw new Error(`${id} was never offered`);
    if (offer.fate !== "offered") throw new Error(`${id} is ${offer.fate} and cannot become ${fate}`);
    offer.fate = fate;
    return offer;
  }

  /** Arrivals by proof id and recipient. */
  #arrivedKeys(): Map<string, Arrival[]> {
    const keys = new Map<string, Arrival[]>();
    for (const mail of this.#arrivals) {
      for (const recipient of mail.recipients) {
        const key = `${mail.proofId ?? ""} ${comparable(recipient)}`;
        const known = keys.get(key);
        if (known === undefined) keys.set(key, [mail]);
        else known.push(mail);
      }
    }
    return keys;
  }

  #lost(arrived: ReadonlyMap<string, unknown>): string[] {
    const lost: string[] = [];
    for (const [id, offer] of this.#offers) {
      if (offer.fate !== "acked") continue;
      for (const recipient of offer.recipients) {
        const key = `${id} ${recipient}`;
        if (!arrived.has(key) && !this.#held.has(key)) lost.push(`lost: ${id} for ${recipient}`);
      }
    }
    return lost;
  }

  #doubles(arrived: ReadonlyMap<string, readonly Arrival[]>): { named: number; unnamed: string[] } {
    const unnamed: string[] = [];
    let named = 0;
    for (const [key, mails] of arrived) {
      if (mails.length === 1) continue;
      const allowed = mails.map(
        (mail) => this.#named.get(`${mail.queueId} ${key.slice(key.indexOf(" ") + 1)}`) ?? 0,
      );
      // All copies carry one queue id, or they are several mails of the product and nothing excuses them.
      const isOneMail = new Set(mails.map((mail) => mail.queueId)).size === 1;
      if (isOneMail && mails.length <= 1 + (allowed[0] ?? 0)) named += mails.length - 1;
      else
        unnamed.push(
          `doubled: ${key.replace(" ", " for ")}, ${mails.length} times (queue id ${mails[0]?.queueId})`,
        );
    }
    return { named, unnamed };
  }

  #isAltered(mail: Arrival): boolean {
    const offer = this.#offers.get(mail.proofId ?? "");
    return offer !== undefined && offer.hash !== mail.hash;
  }

  #invented(arrived: ReadonlyMap<string, unknown>): string[] {
    const invented: string[] = [];
    for (const key of arrived.keys()) {
      const [id = "", recipient = ""] = key.split(" ");
      const offer = this.#offers.get(id);
      if (offer === undefined)
        invented.push(`invented: ${id || "a mail without X-Proof-Id"} for ${recipient}`);
      else if (offer.fate === "nacked")
        invented.push(`invented: ${id} for ${recipient} was refused (${offer.code})`);
      else if (!offer.recipients.includes(recipient)) invented.push(`invented: ${id} went to ${recipient}`);
    }
    return invented;
  }
}

function comparable(recipient: string): string {
  return recipient.toLowerCase();
}
