import { ACCEPT, stricter, together, type Verdict } from "../../mail/verdict.ts";
import type { Later } from "../../runtime/at-once.ts";
import type { CheckResult, Said } from "./check.ts";
import type { Looks } from "./looks.ts";

/** How results are merged. */
interface View {
  /** Results of checks that judge reputation are ignored. */
  readonly exempt: boolean;
  /** Collects the results. */
  readonly looks: Looks | undefined;
}

/** Merges all results into one verdict. Returns synchronously if none of them is pending. */
export function merge(results: Iterable<CheckResult>, view: View): Later<Verdict> {
  const judged: Later<Verdict>[] = [];
  let waits = false;
  for (const result of results) {
    const { check, verdict } = result;
    if (view.exempt && check.reputation === true) continue;
    if (verdict instanceof Promise) {
      waits = true;
      judged.push(judgeLate(result, verdict, view));
    } else judged.push(judge(result, verdict, view));
  }
  return waits ? Promise.all(judged).then(together) : together(judged as Verdict[]);
}

async function judgeLate(result: CheckResult, verdict: Promise<Said>, view: View): Promise<Verdict> {
  return judge(result, await verdict, view);
}

function judge({ check, took }: CheckResult, said: Said, { looks }: View): Verdict {
  if (said !== undefined) looks?.note(check.name, check.stage, said, took);
  return said ?? ACCEPT;
}

/** The strictest verdict that is not pending and does not judge reputation. */
export function strictestFact(results: readonly CheckResult[]): Verdict {
  let worst = ACCEPT;
  for (const { check, verdict } of results) {
    if (check.reputation === true || verdict === undefined || verdict instanceof Promise) continue;
    worst = stricter(worst, verdict);
  }
  return worst;
}

export function noteAll(results: readonly CheckResult[], looks: Looks | undefined): void {
  for (const { check, verdict, took } of results)
    if (verdict !== undefined && !(verdict instanceof Promise))
      looks?.note(check.name, check.stage, verdict, took);
}
