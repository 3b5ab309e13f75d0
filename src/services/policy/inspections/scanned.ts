/** What the virus inspection and the spam inspection have in common: asking a scanner, and judging its result. */
import { ACCEPT, type BodyVerdict } from "../../../mail/verdict.ts";
import type { ContentAction, ScanServers } from "../../../ports/checks.ts";
import type { ContentView, Inspected, Inspection, WholeBody } from "../../../ports/inspection.ts";
import type { Journal, ScannerEvent, ScannerName } from "../../../ports/journal.ts";
import type { Away, Scanner } from "../../../ports/scanner.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { refusal } from "../refusal.ts";

/** What a scanner found, or that no result was available. */
export interface Charge {
  /** Name of our header field for it, such as `X-Holdfast-Virus`. */
  readonly field: string;
  /** Short text for the header field, the trace and the list of quarantined mail. */
  readonly what: string;
  /** One sentence for the sender. */
  readonly words: string;
}

/** The verdict on a charge, according to the action that the operator chose. */
export function judgeCharge(
  charge: Charge,
  action: ContentAction | "accept",
  contact: string | undefined,
): BodyVerdict {
  switch (action) {
    case "accept":
      return ACCEPT;
    case "tag":
      return { kind: "tag", field: `${charge.field}: ${charge.what}` };
    case "quarantine":
      return { kind: "quarantine", why: charge.what };
    default:
      return refusal(action, "7.1", [charge.words, contact]);
  }
}

export interface Judged extends Inspected {
  readonly result: Extract<ScannerEvent, { kind: "scanner.judged" }>["result"];
  readonly what?: string;
}

export interface ScanParts {
  readonly journal: Journal;
  readonly clock: Clock;
}

interface Limits extends ScanServers {
  /** Largest body that is shown to the scanner, in octets. */
  readonly maxSize: number;
}

interface Scanning<R, S extends Limits> {
  readonly name: ScannerName;
  readonly scanner: Scanner<R>;
  readonly settingsFor: (view: ContentView) => S | "off";
  readonly judge: (result: R | Away, settings: S) => Judged;
  /** The result for a body above `maxSize`. */
  readonly tooLarge: (settings: S) => Inspected;
}

/** An inspection that shows bodies to a scanner, if it is configured for the recipients, and judges its result. */
export function inspectionOf<R, S extends Limits>(
  { name, scanner, settingsFor, judge, tooLarge }: Scanning<R, S>,
  { journal, clock }: ScanParts,
): Inspection {
  return {
    name,
    profile: (view) => {
      const settings = settingsFor(view);
      return settings === "off" ? "" : JSON.stringify(settings);
    },
    begin: (mail) => {
      const settings = settingsFor(mail);
      if (settings === "off") return undefined;
      // A body announced as too large is not sent to the scanner while it arrives; `finish` decides by its real size.
      const announced = mail.announced > settings.maxSize ? 0 : mail.announced;
      const scan = scanner.open({ ...mail, announced }, settings);
      const finish = async (body: WholeBody): Promise<Inspected> => {
        if (body.size > settings.maxSize) return tooLarge(settings);
        const begun = clock.elapsed();
        const { result, what, ...inspected } = judge(await scan.finish(body), settings);
        const about = { id: mail.id, scanner: name, result, ...(what !== undefined && { what }) };
        journal.record({ kind: "scanner.judged", ...about, took: clock.elapsed() - begun });
        return inspected;
      };
      return { feed: (chunk) => scan.feed(chunk), finish, abort: () => scan.abort() };
    },
    lost: (mail, why) => {
      const settings = settingsFor(mail);
      return settings === "off" ? { verdict: ACCEPT } : judge({ kind: "away", why }, settings);
    },
  };
}
