import type { Verdict } from "../../mail/verdict.ts";
import { ACCEPT, together } from "../../mail/verdict.ts";
import type { DomainRecord } from "../../ports/directory.ts";
import type { Check, Finding, Said } from "./check.ts";
import type { Looks } from "./looks.ts";

/** From where findings are judged. */
export interface View {
  readonly domain: DomainRecord | undefined;
  /** Checks of reputation do not count. */
  readonly exempt: boolean;
  readonly looks: Looks | undefined;
}

/** One verdict of all findings; at once where none of them waits. */
export function merge(findings: readonly Finding[], view: View): Verdict | Promise<Verdict> {
  if (findings.length === 0) return ACCEPT;
  const counting = findings.filter((finding) => !(view.exempt && finding.check.reputation === true));
  const judged = counting.map((finding) =>
    finding.verdict instanceof Promise
      ? finding.verdict.then((late) => judge(finding, late, view))
      : judge(finding, finding.verdict, view),
  );
  const waits = judged.some((verdict) => verdict instanceof Promise);
  return waits ? Promise.all(judged).then(together) : together(judged as Verdict[]);
}

function judge({ check, took }: Finding, said: Said, { domain, looks }: View): Verdict {
  if (said === undefined) return ACCEPT;
  const verdict = judgeFor(check, said, domain);
  looks?.note(check.name, check.stage, verdict, took);
  return verdict;
}

function judgeFor(check: Check, verdict: Verdict, domain: DomainRecord | undefined): Verdict {
  return domain === undefined ? verdict : (check.judge?.(verdict, domain) ?? verdict);
}

/** What is known without waiting. */
export function settled(findings: readonly Finding[]): Verdict[] {
  return findings.flatMap(({ verdict }) =>
    verdict instanceof Promise || verdict === undefined ? [] : [verdict],
  );
}

export function noteAll(findings: readonly Finding[], looks: Looks | undefined): void {
  for (const { check, verdict, took } of findings)
    if (verdict !== undefined && !(verdict instanceof Promise))
      looks?.note(check.name, check.stage, verdict, took);
}
