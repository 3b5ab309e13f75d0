/** What senders write: all sizes, all kinds of recipients, each mail with its X-Proof-Id. */
import { createHash } from "node:crypto";
import type { Random } from "../../support/random.ts";
import { PLACES, placeOfAddress, S, type Place } from "./places.ts";

/** Senders whom a rule of access may block. */
export const BLOCKED = ["block-1@sender.example", "block-2@sender.example"];
/** SPF speaks for friend.test and a.test, so these may hear of their mail. */
const SENDERS = [
  "",
  "load@sender.example",
  "other@sender.example",
  "ann@friend.test",
  "bo@friend.test",
  "alice@a.test",
];
/** Each mail is of one of these sizes at most, in octets: some lie in a row, some in a segment, some in a file. */
const SIZES = [0, 300, 3000, 15_000, 17_000, 40_000, 66_000, 150_000];
const WORDS = ["mail", "..", ".", "held", "Grüße", "=3D", "From ", "\t-- ", ".x"];
/** A virus and spam, as our scanners know them. */
const BAD = ["EICAR-STANDARD-ANTIVIRUS-TEST-FILE", "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL"];
const WISHES = ["", "", " NOTIFY=SUCCESS,FAILURE", " NOTIFY=NEVER", " NOTIFY=DELAY,FAILURE"];

export interface Letter {
  readonly id: string;
  readonly sender: string;
  /** Some twice. */
  readonly recipients: readonly string[];
  readonly body: Buffer;
  /** Scanners may say something of it. */
  readonly scanned: boolean;
  /** MAIL and one RCPT for each recipient. */
  readonly envelope: readonly string[];
}

export class Letters {
  readonly #random: Random;
  readonly #largest: number;
  #count = 0;
  /** SHA-256 of each body, by the id of the mail. */
  readonly hashes = new Map<string, string>();

  /** `largest` octets have a few of them. */
  constructor(random: Random, largest: number) {
    this.#random = random;
    this.#largest = largest;
  }

  next(): Letter {
    const random = this.#random;
    this.#count += 1;
    const id = `s-${this.#count}`;
    const utf8 = random.below(12) === 0;
    const recipients = this.#recipients(utf8);
    const body = this.#body(id);
    const sender = random.pick([...SENDERS, ...(random.below(4) === 0 ? BLOCKED : [])]);
    const parameters = [
      ...(utf8 || body.some((octet) => octet > 127) ? [" BODY=8BITMIME"] : []),
      ...(utf8 ? [" SMTPUTF8"] : []),
      ...(random.below(3) === 0 ? [` SIZE=${body.length}`] : []),
    ];
    this.hashes.set(id, createHash("sha256").update(body).digest("hex"));
    const envelope = [
      `MAIL FROM:<${sender}>${parameters.join("")}`,
      ...recipients.map((to) => `RCPT TO:<${to}>${random.pick(WISHES)}`),
    ];
    const scanned = recipients.some((to) => placeOfAddress(to) === S);
    return { id, sender, recipients, body, scanned, envelope };
  }

  #recipients(utf8: boolean): readonly string[] {
    const random = this.#random;
    const places = random.below(3) === 0 ? PLACES : [random.pick(PLACES)];
    const count = random.below(6) === 0 ? 12 : 1 + random.below(3);
    const chosen = Array.from({ length: count }, () => this.#address(random.pick(places)));
    if (utf8) chosen.push(`grüße@${random.pick(["c.test", "a.test"])}`);
    if (random.below(20) === 0) chosen.push("who@nowhere.test");
    // What differs in case only is one address to the checker.
    const named = new Map(chosen.map((address) => [address.toLowerCase(), address]));
    const once = [...named.values()];
    return random.below(8) === 0 ? [...once, ...once.slice(0, 1)] : once;
  }

  #address(place: Place): string {
    const random = this.#random;
    const known = [...place.people, ...place.people, ...place.guests];
    const name = random.below(10) === 0 ? "stranger" : random.pick(known);
    const tagged = random.below(6) === 0 ? `${name}+tag${random.below(3)}` : name;
    return `${tagged}@${random.below(8) === 0 ? place.domain.toUpperCase() : place.domain}`;
  }

  #body(id: string): Buffer {
    const random = this.#random;
    const large = random.below(40) === 0;
    const size = large ? random.below(this.#largest) : random.below(1 + random.pick(SIZES));
    const lines = [
      `X-Proof-Id: ${id}`,
      "From: load@sender.example",
      `Subject: proof ${id}`,
      `Message-ID: <${id}@sender.example>`,
      "",
      ...(random.below(12) === 0 ? [random.pick(BAD)] : []),
    ];
    for (let length = 0; length < Math.min(size, 4000);) {
      const line = Array.from({ length: random.below(12) }, () => random.pick(WORDS)).join(" ");
      lines.push(line);
      length += line.length + 2;
    }
    const text = Buffer.from(`${lines.join("\r\n")}\r\n`);
    // The rest repeats its last lines, which are quickly made.
    const block = Buffer.from(`${lines.slice(5).join("\r\n")}\r\n`);
    const times = size <= 4000 ? 0 : Math.floor((size - 4000) / block.length);
    return Buffer.concat([text, ...Array.from({ length: times }, () => block)]);
  }
}
