import type { Check, Stage, StageCheck } from "./check.ts";

/** The checks by when they run, in the order in which equals have the word: sorted once, not at each command. */
export interface Lineup {
  readonly all: readonly Check[];
  readonly rcpt: readonly StageCheck<"rcpt">[];
  readonly data: readonly StageCheck<"data">[];
  /** Only where all others let the recipient pass. */
  readonly last: readonly StageCheck<"rcpt">[];
  /** Those of `last` that are no matter of reputation. */
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
