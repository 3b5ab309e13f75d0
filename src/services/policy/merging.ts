import type { Verdict } from "../../mail/verdict.ts";
import { ACCEPT, stricter, together } from "../../mail/verdict.ts";
import type { Finding, Said } from "./check.ts";
import type { Looks } from "./looks.ts";

/** From where findings are judged. */
interface View {
  /** Checks of reputation do not count. */
  readonly exempt: boolean;
  readonly looks: Looks | undefined;
}

/** One verdict of all findings; at once where none of them waits. */
export function merge(findings: Iterable<Finding>, view: View): Verdict | Promise<Verdict> {
  const judged: (Verdict | Promise<Verdict>)[] = [];
  let waits = false;
  for (const finding of findings) {
    const { check, verdict } = finding;
    if (view.exempt && check.reputation === true) continue;
    if (verdict instanceof Promise) {
      waits = true;
      judged.push(judgeLate(finding, verdict, view));
    } else judged.push(judge(finding, verdict, view));
  }
  return waits ? Promise.all(judged).then(together) : together(judged as Verdict[]);
}

async function judgeLate(finding: Finding, verdict: Promise<Said>, view: View): Promise<Verdict> {
  return judge(finding, await verdict, view);
}

function judge({ check, took }: Finding, said: Said, { looks }: View): Verdict {
  if (said !== undefined) looks?.note(check.name, check.stage, said, took);
  return said ?? ACCEPT;
}

/** The strictest of what is known without waiting and is no matter of reputation. */
export function strictestFact(findings: readonly Finding[]): Verdict {
  let worst = ACCEPT;
  for (const { check, verdict } of findings) {
    if (check.reputation === true || verdict === undefined || verdict instanceof Promise) continue;
    worst = stricter(worst, verdict);
  }
  return worst;
}

export function noteAll(findings: readonly Finding[], looks: Looks | undefined): void {
  for (const { check, verdict, took } of findings)
    if (verdict !== undefined && !(verdict instanceof Promise))
      looks?.note(check.name, check.stage, verdict, took);
}
