/**
 * One chunk of BDAT, RFC 3030 §2: exactly the announced number of octets, whatever they look like, and the reply
 * after the last of them. Octets of a refused chunk are read and forgotten, never taken for commands.
 */
import type { Answer, ChunkHead } from "./answer.ts";
import { say } from "./answer.ts";
import type { IncomingBody, Receiver, Taken } from "./incoming-body.ts";

/** A chunk below this many octets that is not the last brings too little forward to be free. */
const TINY = 1024;
const EMPTY = Buffer.alloc(0);

export class IncomingChunk implements Receiver {
  readonly verb = "BDAT";
  readonly #head: ChunkHead;
  readonly #target: IncomingBody | Answer;
  #missing: number;

  /** `target` is the body that goes on, or the refusal that is said after the octets. */
  constructor(head: ChunkHead, target: IncomingBody | Answer) {
    this.#head = head;
    this.#target = target;
    this.#missing = head.octets;
  }

  get octets(): number {
    return this.#head.octets;
  }

  take(chunk: Buffer): Taken {
    const { own, rest } = split(chunk, this.#missing);
    this.#missing -= own.length;
    const taken = "reply" in this.#target || own.length === 0 ? {} : this.#target.take(own);
    return this.#missing > 0 ? taken : { ...taken, rest };
  }

  async finish(look?: () => Promise<void>): Promise<Answer> {
    const { octets, last } = this.#head;
    const target = this.#target;
    if ("reply" in target) return target;
    if (last) {
      await target.endPlain();
      return target.finish(look);
    }
    if (target.problem !== undefined) return target.problem;
    const idle = octets < TINY;
    return { ...say(250, "2.0.0", `${octets} octets received`), next: "more", ...(idle && { idle }) };
  }

  abort(): void {
    if (!("reply" in this.#target)) this.#target.abort();
  }
}

/**
 * The first `octets` and the rest, one of them in memory of its own: what is taken belongs to its taker. The
 * shorter one is copied, so that many small chunks in one segment cost no more than a large one.
 */
function split(chunk: Buffer, octets: number): { own: Buffer; rest: Buffer } {
  if (octets >= chunk.length) return { own: chunk, rest: EMPTY };
  const own = chunk.subarray(0, octets);
  const rest = chunk.subarray(octets);
  return octets < rest.length ? { own: copy(own), rest } : { own, rest: copy(rest) };
}

function copy(part: Buffer): Buffer {
  const memory = Buffer.allocUnsafeSlow(part.length);
  part.copy(memory);
  return memory;
}
