/**
 * One chunk of BDAT, RFC 3030 §2: exactly the announced number of octets, of any value, and the reply after the last
 * of them. Octets of a refused chunk are read and discarded, never taken for commands.
 */
import { ownCopy } from "../../mail/own-copy.ts";
import { say, type Answer, type ChunkHead } from "./answer.ts";
import type { IncomingBody } from "./incoming-body.ts";
import type { Receiver, Taken } from "./receiver.ts";

/** Chunks of fewer octets than this count against the budget of commands, except for the last of a body. */
const TINY = 1024;

export class IncomingChunk implements Receiver {
  readonly verb = "BDAT";
  readonly #head: ChunkHead;
  readonly #target: IncomingBody | Answer;
  #missing: number;

  /** `target` is the body to which the chunk belongs, or the refusal to send after the octets. */
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
 * Splits off the first `octets`, which are valid as long as `chunk` is. The rest is copied if it is the smaller part,
 * so that it does not keep a larger buffer in memory.
 */
function split(chunk: Buffer, octets: number): { own: Buffer; rest: Buffer } {
  const own = chunk.subarray(0, octets);
  const rest = chunk.subarray(octets);
  // A rest that is larger is not copied: with many small chunks in one segment, each would copy nearly all of it.
  return { own, rest: own.length < rest.length ? rest : ownCopy(rest, 0) };
}
