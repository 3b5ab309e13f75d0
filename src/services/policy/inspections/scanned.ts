/** What a scanner's word means for one mail: common to viruses and spam. */
import { reply } from "../../../mail/reply.ts";
import type { Verdict } from "../../../mail/verdict.ts";
import { ACCEPT } from "../../../mail/verdict.ts";
import type { ContentAction } from "../../../ports/checks.ts";
import type { Inspected, InspectedMail, Inspector, WholeBody } from "../../../ports/inspection.ts";
import type { Journal, ScannerEvent, ScannerName } from "../../../ports/journal.ts";
import type { Away, Scan } from "../../../ports/scanner.ts";
import type { Clock } from "../../../runtime/clock.ts";

/** What a scanner found wrong, or that it could not say. */
export interface Charge {
  /** Our header field that tells of it, such as `X-Holdfast-Virus`. */
  readonly field: string;
  /** Short words for the field, the trace and the person who looks through the quarantine. */
  readonly what: string;
  /** One sentence for the sender. */
  readonly words: string;
  /** Subject and detail of the enhanced code, such as `7.1`. */
  readonly detail: string;
}

/** The verdict that an operator's choice makes of it. */
export function consequence(
  charge: Charge,
  action: ContentAction | "accept",
  contact: string | undefined,
): Verdict {
  const words = [charge.words, contact].filter(Boolean).join("; ");
  switch (action) {
    case "accept":
      return ACCEPT;
    case "tag":
      return { kind: "tag", field: `${charge.field}: ${charge.what}` };
    case "quarantine":
      return { kind: "quarantine", why: charge.what };
    case "defer":
      return { kind: "defer", reply: reply(451, `4.${charge.detail}`, words) };
    case "reject":
      return { kind: "reject", reply: reply(550, `5.${charge.detail}`, words) };
  }
}

export interface Watched<R> {
  readonly scanner: ScannerName;
  readonly mail: InspectedMail;
  readonly scan: Scan<R>;
  readonly judge: (result: R | Away) => Judged;
}

export interface Judged extends Inspected {
  readonly result: Extract<ScannerEvent, { kind: "scanner.judged" }>["result"];
  readonly what?: string;
}

export interface ScanParts {
  readonly journal: Journal;
  readonly clock: Clock;
}

/** The inspector that waits for one scan. */
export function inspectorOf<R>(watched: Watched<R>, { journal, clock }: ScanParts): Inspector {
  const { scanner, mail, scan, judge } = watched;
  const finish = async (body: WholeBody): Promise<Inspected> => {
    const begun = clock.now();
    const { result, what, ...inspected } = judge(await scan.finish(body));
    const about = { id: mail.id, scanner, result, ...(what !== undefined && { what }) };
    journal.record({ kind: "scanner.judged", ...about, took: clock.now() - begun });
    return inspected;
  };
  return { feed: (chunk) => scan.feed(chunk), finish, abort: () => scan.abort() };
}
