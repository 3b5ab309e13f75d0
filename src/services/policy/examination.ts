/**
 * All inspections of one body, side by side: shows each what arrives, and makes one answer of what they say.
 *
 * Invariants: one that fails, or holds the body back for longer than PATIENCE, is shown nothing more and is lost; the
 * others go on. `finish` answers when all have spoken, when one rejects, or at the deadline, and lets go of the rest.
 */
import { reply } from "../../mail/reply.ts";
import type { Verdict } from "../../mail/verdict.ts";
import { ACCEPT, strictest } from "../../mail/verdict.ts";
import type { Inspected, InspectedMail, Inspection, Inspector, WholeBody } from "../../ports/inspection.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { errorText } from "../../runtime/log.ts";

/** How long one inspector may hold back the next octets, in ms. */
const PATIENCE = 5000;

const FAILED: Verdict = { kind: "defer", reply: reply(451, "4.3.0", "Temporary trouble, try again later") };

/** What all inspections together say of a body. */
export interface Examined {
  /** Never `tag`: the fields stand apart. */
  readonly verdict: Verdict;
  readonly fields: readonly string[];
  readonly notes: readonly string[];
}

interface Watch {
  readonly inspection: Inspection;
  readonly inspector: Inspector;
  result?: Inspected;
}

export interface ExaminationParts {
  readonly clock: Clock;
  readonly log: Logger;
}

/** Begins all inspections that want to see this mail; undefined when there is none. */
export function examine(
  inspections: readonly Inspection[],
  mail: InspectedMail,
  parts: ExaminationParts,
): Examination | undefined {
  const watches: Watch[] = [];
  for (const inspection of inspections) {
    const inspector = inspection.begin(mail);
    if (inspector !== undefined) watches.push({ inspection, inspector });
  }
  return watches.length === 0 ? undefined : new Examination(watches, mail, parts);
}

export class Examination {
  readonly #watches: readonly Watch[];
  readonly #mail: InspectedMail;
  readonly #parts: ExaminationParts;

  constructor(watches: readonly Watch[], mail: InspectedMail, parts: ExaminationParts) {
    this.#watches = watches;
    this.#mail = mail;
    this.#parts = parts;
  }

  /** Shows the next octets. A promise: wait before the next; it never rejects. */
  feed(chunk: Buffer): Promise<void> | undefined {
    let waits: Promise<void>[] | undefined;
    for (const watch of this.#watches) {
      if (watch.result !== undefined) continue;
      const wait = this.#show(watch, chunk);
      if (wait !== undefined) (waits ??= []).push(this.#patiently(watch, wait));
    }
    return waits && Promise.all(waits).then(() => {});
  }

  /** What they say of the whole body, at the latest at `until`, wall time in ms. */
  async finish(body: WholeBody, until: number): Promise<Examined> {
    const { clock } = this.#parts;
    await new Promise<void>((resolve) => {
      const timer = clock.after(Math.max(0, until - clock.now()), resolve);
      const enough = (): void => {
        timer.cancel();
        resolve();
      };
      void Promise.all(this.#watches.map((watch) => this.#hear(watch, body, enough))).then(enough);
    });
    const rejected = this.#watches.some(({ result }) => result?.verdict.kind === "reject");
    for (const watch of this.#watches) if (!rejected && watch.result === undefined) this.#lose(watch, "late");
    this.abort();
    return together(this.#watches.flatMap(({ result }) => result ?? []));
  }

  /** Lets go of all; safe at any time. */
  abort(): void {
    for (const { inspector } of this.#watches) inspector.abort();
  }

  #show(watch: Watch, chunk: Buffer): Promise<void> | undefined {
    try {
      return watch.inspector.feed(chunk);
    } catch (error) {
      this.#lose(watch, error);
      return undefined;
    }
  }

  #patiently(watch: Watch, wait: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(PATIENCE, () => {
        this.#lose(watch, "it held the body back for too long");
        resolve();
      });
      wait
        .catch((error: unknown) => this.#lose(watch, error))
        .then(() => {
          timer.cancel();
          resolve();
        });
    });
  }

  async #hear(watch: Watch, body: WholeBody, rejected: () => void): Promise<void> {
    if (watch.result === undefined) {
      try {
        const result = await watch.inspector.finish(body);
        // What was lost meanwhile stays lost.
        watch.result ??= result;
      } catch (error) {
        this.#lose(watch, error);
      }
    }
    if (watch.result?.verdict.kind === "reject") rejected();
  }

  #lose(watch: Watch, why: unknown): void {
    if (watch.result !== undefined) return;
    const { inspection, inspector } = watch;
    this.#parts.log.warn("policy.inspection.lost", {
      id: this.#mail.id,
      inspection: inspection.name,
      why: errorText(why),
    });
    watch.result = inspection.lost?.(this.#mail, errorText(why)) ?? { verdict: FAILED };
    inspector.abort();
  }
}

function together(results: readonly Inspected[]): Examined {
  const verdicts = results.map(({ verdict }) => verdict);
  const tags = verdicts.flatMap((verdict) => (verdict.kind === "tag" ? [verdict.field] : []));
  return {
    verdict: strictest(verdicts.map((verdict) => (verdict.kind === "tag" ? ACCEPT : verdict))),
    fields: [...new Set([...results.flatMap(({ fields = [] }) => fields), ...tags])],
    notes: results.flatMap(({ notes = [] }) => notes),
  };
}
