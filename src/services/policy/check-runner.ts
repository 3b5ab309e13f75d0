import type { Verdict } from "../../mail/verdict.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Later } from "../../runtime/at-once.ts";
import type { Logger } from "../../runtime/log.ts";
import type { Check, CheckResult, Said, Stage, StageCheck, Subjects } from "./check.ts";
import { TROUBLE } from "./refusal.ts";

/** Time limit of one check, in ms. */
const LONGEST_CHECK = 20_000;

const NONE: readonly CheckResult[] = [];

interface RunnerParts {
  readonly clock: Clock;
  readonly log: Logger;
}

/** Runs checks and measures their time. A check that throws or takes too long is logged, and its verdict is TROUBLE. */
export class CheckRunner {
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor({ clock, log }: RunnerParts) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Notifies checks. The caller does not wait for them; an exception is logged and has no other effect. */
  tell(checks: readonly Check[], tell: (check: Check) => void): void {
    for (const check of checks) {
      try {
        tell(check);
      } catch (error) {
        this.#failed(check.name, error);
      }
    }
  }

  /** Runs the checks and returns their results, pending ones included. Checks that return undefined are left out. */
  begin<S extends Stage>(checks: readonly StageCheck<S>[], subject: Subjects[S]): readonly CheckResult[] {
    let results: CheckResult[] | undefined;
    const began = this.#clock.elapsed();
    for (const check of checks) {
      const verdict = this.#run(check, subject);
      if (verdict === undefined) continue;
      const result: CheckResult = { check, verdict, took: this.#since(began) };
      if (verdict instanceof Promise) void this.#measure(result, verdict, began);
      (results ??= []).push(result);
    }
    return results ?? NONE;
  }

  async #measure(result: CheckResult, verdict: Promise<Said>, began: number): Promise<void> {
    await verdict;
    result.took = this.#since(began);
  }

  #since(began: number): number {
    return this.#clock.elapsed() - began;
  }

  #run<S extends Stage>(check: StageCheck<S>, subject: Subjects[S]): Later<Said> {
    try {
      const verdict = check.run(subject);
      return verdict instanceof Promise ? this.#late(check.name, verdict) : verdict;
    } catch (error) {
      return this.#failed(check.name, error);
    }
  }

  #late(check: string, verdict: Promise<Said>): Promise<Said> {
    return this.#inTime(verdict).catch((error: unknown) => this.#failed(check, error));
  }

  #failed(check: string, error: unknown): Verdict {
    const stack = error instanceof Error ? error.stack : String(error);
    this.#log.error("policy.check.failed", { check, stack });
    return TROUBLE;
  }

  #inTime(verdict: Promise<Said>): Promise<Said> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new Error(`no answer within ${LONGEST_CHECK} ms`));
      const timer = this.#clock.after(LONGEST_CHECK, late);
      verdict.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}
