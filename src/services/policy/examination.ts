/**
 * Runs all inspections of one body in parallel: shows each of them the octets that arrive, and merges their results.
 *
 * Invariants: an inspection that fails, or delays the body for longer than PATIENCE, is lost: it sees nothing more, and
 * the others continue. `finish` resolves when all have a result, when one rejects, or at the deadline; it aborts the
 * rest.
 */
import { ACCEPT, strictest, type BodyVerdict } from "../../mail/verdict.ts";
import type { BodyProof } from "../../ports/authentication.ts";
import type { Inspected, InspectedMail, Inspection, Inspector, WholeBody } from "../../ports/inspection.ts";
import type { Clock } from "../../runtime/clock.ts";
import { errorText, type Logger } from "../../runtime/log.ts";
import { TROUBLE } from "./refusal.ts";

/** How long one inspector may delay the next octets, in ms. */
const PATIENCE = 5000;

/** The merged result of all inspections of a body. */
export interface Examined {
  /** Never `tag`: header fields are in `fields`. */
  readonly verdict: BodyVerdict;
  readonly fields: readonly string[];
  readonly notes: readonly string[];
  /** The verdict of each inspection, and how long it took after the last octet, in ms. */
  readonly said?: readonly { readonly name: string; readonly said: BodyVerdict; readonly took: number }[];
  /** What the signatures prove about the author. Undefined if they were not verified. */
  readonly proof?: BodyProof;
}

interface Watch {
  readonly inspection: Inspection;
  readonly inspector: Inspector;
  result?: Inspected;
  took?: number;
}

interface ExaminationParts {
  readonly clock: Clock;
  readonly log: Logger;
}

/** Begins all inspections that apply to this mail. Undefined if none does. */
export function examine(
  inspections: readonly Inspection[],
  mail: InspectedMail,
  parts: ExaminationParts,
): Examination | undefined {
  const watches: Watch[] = [];
  for (const inspection of inspections) {
    const watch = begin(inspection, mail, parts.log);
    if (watch !== undefined) watches.push(watch);
  }
  return watches.length === 0 ? undefined : new Examination(watches, mail, parts);
}

/** Begins one inspection. If that throws, the inspection is lost; the others are not affected. */
function begin(inspection: Inspection, mail: InspectedMail, log: Logger): Watch | undefined {
  try {
    const inspector = inspection.begin(mail);
    return inspector && { inspection, inspector };
  } catch (error) {
    return { inspection, inspector: NOBODY, result: resultOfLoss({ inspection, mail, log }, error) };
  }
}

const NOBODY: Inspector = {
  feed: () => undefined,
  finish: () => Promise.reject(new Error("nobody looks")),
  abort: () => {},
};

interface Loss {
  readonly inspection: Inspection;
  readonly mail: InspectedMail;
  readonly log: Logger;
}

function resultOfLoss({ inspection, mail, log }: Loss, error: unknown): Inspected {
  const why = errorText(error);
  log.warn("policy.inspection.lost", { id: mail.id, inspection: inspection.name, why });
  return inspection.lost?.(mail, why) ?? { verdict: TROUBLE };
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

  /** Shows the next octets. If it returns a promise, which never rejects, the octets after these must wait for it. */
  feed(chunk: Buffer): Promise<void> | undefined {
    let waits: Promise<void>[] | undefined;
    for (const watch of this.#watches) {
      if (watch.result !== undefined) continue;
      const wait = this.#show(watch, chunk);
      if (wait !== undefined) (waits ??= []).push(this.#patiently(watch, wait));
    }
    return waits && Promise.all(waits).then(() => {});
  }

  /** Returns the merged result for the whole body, after `most` ms at the latest. */
  async finish(body: WholeBody, most: number): Promise<Examined> {
    const { clock } = this.#parts;
    const began = clock.elapsed();
    await new Promise<void>((resolve) => {
      const timer = clock.after(Math.max(0, most), resolve);
      const enough = (): void => {
        timer.cancel();
        resolve();
      };
      const heard = (watch: Watch): void => void (watch.took = clock.elapsed() - began);
      const all = this.#watches.map((watch) => this.#hear(watch, body, enough).then(() => heard(watch)));
      void Promise.all(all).then(enough);
    });
    const rejected = this.#watches.some(({ result }) => result?.verdict.kind === "reject");
    if (!rejected) for (const watch of this.#watches) this.#lose(watch, "late");
    this.abort();
    const took = clock.elapsed() - began;
    const said = this.#watches.flatMap(({ inspection: { name }, result, took: own = took }) =>
      result === undefined ? [] : [{ name, said: result.verdict, took: own }],
    );
    return { ...examinedOf(this.#watches.flatMap(({ result }) => result ?? [])), said };
  }

  /** Aborts all inspectors. May be called at any time. */
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
        // An inspection that was lost meanwhile stays lost.
        watch.result ??= result;
      } catch (error) {
        this.#lose(watch, error);
      }
    }
    if (watch.result?.verdict.kind === "reject") rejected();
  }

  /** Marks an inspection as lost, unless it has a result. */
  #lose(watch: Watch, why: unknown): void {
    if (watch.result !== undefined) return;
    const { inspection, inspector } = watch;
    watch.result = resultOfLoss({ inspection, mail: this.#mail, log: this.#parts.log }, why);
    inspector.abort();
  }
}

function examinedOf(results: readonly Inspected[]): Examined {
  const proof = results.find((result) => result.proof !== undefined)?.proof;
  const verdicts = results.map(({ verdict }) => verdict);
  const tags = verdicts.flatMap((verdict) => (verdict.kind === "tag" ? [verdict.field] : []));
  return {
    verdict: strictest(verdicts.map((verdict) => (verdict.kind === "tag" ? ACCEPT : verdict))),
    fields: [...new Set([...results.flatMap(({ fields = [] }) => fields), ...tags])],
    notes: results.flatMap(({ notes = [] }) => notes),
    ...(proof !== undefined && { proof }),
  };
}
