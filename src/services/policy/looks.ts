/** Collects the results of checks, for the trace and `holdfast explain`. Its size is limited, whatever clients send. */
import { formatReply, printable } from "../../mail/reply.ts";
import type { BodyVerdict } from "../../mail/verdict.ts";
import type { CheckNote } from "../../ports/journal.ts";
import type { Stage } from "./check.ts";

/** Most entries of one mail, and most characters of one text. */
const MOST = 40;
const LONGEST = 200;

interface Look {
  readonly check: string;
  readonly stage: Stage;
  /** The result in a few words. */
  readonly said: string;
  /** How long the check took, in ms; the longest time of several. */
  took: number;
  /** The number of recipients with this result. */
  times: number;
}

export class Looks {
  readonly #looks: Look[] = [];

  note(check: string, stage: Stage, verdict: BodyVerdict, took = 0): void {
    this.#add({ check, stage, said: saidOf(verdict), took, times: 1 });
  }

  /** Adds the results for one more recipient. */
  join(others: Looks): void {
    for (const look of others.#looks) this.#add(look);
  }

  /** The results as JSON, as they are passed on and stored. Undefined if there are none. */
  packed(): string | undefined {
    if (this.#looks.length === 0) return undefined;
    const notes = this.#looks.map(({ check, stage, said, took, times }): CheckNote => [
      check,
      stage,
      said,
      took,
      times,
    ]);
    return JSON.stringify(notes);
  }

  #add(look: Look): void {
    const same = this.#looks.find((known) => known.check === look.check && known.said === look.said);
    if (same === undefined) {
      if (this.#looks.length < MOST) this.#looks.push({ ...look });
      return;
    }
    same.took = Math.max(same.took, look.took);
    same.times += look.times;
  }
}

function saidOf(verdict: BodyVerdict): string {
  if (verdict.kind === "quarantine") return bounded(`quarantine: ${verdict.why}`);
  if (verdict.note !== undefined) return bounded(verdict.note);
  switch (verdict.kind) {
    case "accept":
      return "nothing against it";
    case "tag":
      return bounded(`tag ${verdict.field}`);
    default:
      return bounded(formatReply(verdict.reply));
  }
}

function bounded(text: string): string {
  return printable(text.slice(0, LONGEST));
}
