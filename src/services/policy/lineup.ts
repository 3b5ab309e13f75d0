import type { Check, Stage, StageCheck } from "./check.ts";

/** The checks by the time at which they run, sorted once and not at each command. Of equal verdicts, the first wins. */
export interface Lineup {
  readonly all: readonly Check[];
  readonly rcpt: readonly StageCheck<"rcpt">[];
  readonly data: readonly StageCheck<"data">[];
  /** Checks that run only if all others accept the recipient. */
  readonly last: readonly StageCheck<"rcpt">[];
  /** The checks of `last` that do not judge reputation. */
  readonly lastFacts: readonly StageCheck<"rcpt">[];
}

export function lineUp(all: readonly Check[]): Lineup {
  const rcpt = ofStage(all, "rcpt");
  const last = rcpt.filter((check) => check.last === true);
  return {
    all,
    rcpt: rcpt.filter((check) => check.last !== true),
    data: ofStage(all, "data"),
    last,
    lastFacts: last.filter(({ reputation }) => reputation !== true),
  };
}

function ofStage<S extends Stage>(checks: readonly Check[], stage: S): readonly StageCheck<S>[] {
  return checks.filter((check) => check.stage === stage) as unknown as readonly StageCheck<S>[];
}
