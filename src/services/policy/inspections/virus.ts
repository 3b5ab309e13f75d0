import { ACCEPT } from "../../../mail/verdict.ts";
import type { CheckSettings, ClamavSettings } from "../../../ports/checks.ts";
import type { ContentView, Inspection } from "../../../ports/inspection.ts";
import type { Away, VirusResult, VirusScanner } from "../../../ports/scanner.ts";
import { judgeCharge, inspectionOf, type Charge, type Judged, type ScanParts } from "./scanned.ts";

interface VirusParts extends ScanParts {
  readonly scanner: VirusScanner;
  readonly settings: () => CheckSettings;
}

const FIELD = "X-Holdfast-Virus";
const NOT_SCANNED: Charge = {
  field: FIELD,
  what: "not scanned, no virus scanner answered",
  words: "No virus scanner answers, try again later",
};
const OVERSIZE: Charge = {
  field: FIELD,
  what: "not scanned, larger than the virus scanner accepts",
  words: "Message is larger than our virus scanner takes",
};

/** Shows all bodies to clamd, even mail to postmaster, because a virus is no matter of reputation. */
export function virusInspection(parts: VirusParts): Inspection {
  const settingsFor = ({ own }: ContentView): ClamavSettings | "off" =>
    own?.clamav ?? parts.settings().clamav ?? "off";
  const judge = (result: VirusResult | Away, settings: ClamavSettings): Judged =>
    judged(result, settings, parts.settings().contact);
  const tooLarge = (settings: ClamavSettings): Judged => judge({ kind: "oversize" }, settings);
  return inspectionOf({ name: "clamav", scanner: parts.scanner, settingsFor, judge, tooLarge }, parts);
}

function judged(result: VirusResult | Away, settings: ClamavSettings, contact: string | undefined): Judged {
  switch (result.kind) {
    case "clean":
      return { result: "clean", verdict: ACCEPT };
    case "found": {
      const what = `virus ${result.name}`;
      const charge = { field: FIELD, what, words: `Virus found: ${result.name}` };
      return { result: "found", what, ...told(charge, settings.found, contact) };
    }
    case "oversize":
      return { result: "oversize", ...told(OVERSIZE, settings.oversize, contact) };
    case "away":
      return { result: "away", what: result.why, ...told(NOT_SCANNED, settings.unavailable, contact) };
  }
}

function told(charge: Charge, action: ClamavSettings["found"], contact: string | undefined) {
  return { verdict: judgeCharge(charge, action, contact), notes: [charge.what] };
}
