import type { Check, Stage, StageCheck } from "./check.ts";

/** The checks by when they run, in the order in which equals have the word: sorted once, not at each command. */
export interface Lineup {
  readonly connect: readonly StageCheck<"connect">[];
  readonly helo: readonly StageCheck<"helo">[];
  readonly mail: readonly StageCheck<"mail">[];
  readonly rcpt: readonly StageCheck<"rcpt">[];
  readonly data: readonly StageCheck<"data">[];
  /** Only where all others let the recipient pass. */
  readonly last: readonly StageCheck<"rcpt">[];
  /** Those of `last` that are no matter of reputation. */
  readonly lastFacts: readonly StageCheck<"rcpt">[];
  /** Those that learn of each mail that was taken. */
  readonly remembering: readonly Check[];
}

export function lineUp(checks: readonly Check[]): Lineup {
  const early = checks.filter(({ last = false }) => !last);
  const last = ofStage(
    checks.filter((check) => check.last === true),
    "rcpt",
  );
  return {
    connect: ofStage(early, "connect"),
    helo: ofStage(early, "helo"),
    mail: ofStage(early, "mail"),
    rcpt: ofStage(early, "rcpt"),
    data: ofStage(early, "data"),
    last,
    lastFacts: last.filter(({ reputation }) => reputation !== true),
    remembering: checks.filter(({ taken }) => taken !== undefined),
  };
}

function ofStage<S extends Stage>(checks: readonly Check[], stage: S): readonly StageCheck<S>[] {
  return checks.filter((check) => check.stage === stage) as unknown as readonly StageCheck<S>[];
}
