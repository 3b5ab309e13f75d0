import { ACCEPT } from "../../../mail/verdict.ts";
import type { CheckSettings, ClamavSettings } from "../../../ports/checks.ts";
import type { ContentView, Inspection } from "../../../ports/inspection.ts";
import type { Away, VirusResult, VirusScanner } from "../../../ports/scanner.ts";
import type { Charge, Judged, ScanParts } from "./scanned.ts";
import { consequence, inspectorOf } from "./scanned.ts";

export interface VirusParts extends ScanParts {
  readonly scanner: VirusScanner;
  readonly settings: () => CheckSettings;
}

const FIELD = "X-Holdfast-Virus";
const NOT_SCANNED: Charge = {
  field: FIELD,
  what: "not scanned, no virus scanner answered",
  words: "No virus scanner answers, try again later",
  detail: "7.1",
};
const OVERSIZE: Charge = {
  field: FIELD,
  what: "not scanned, larger than the virus scanner takes",
  words: "Message is larger than our virus scanner takes",
  detail: "7.1",
};

/** Shows bodies to clamd; everybody's, postmaster's too: a virus is no matter of reputation. */
export function virusInspection(parts: VirusParts): Inspection {
  const settingsFor = ({ own }: ContentView): ClamavSettings | "off" =>
    own?.clamav ?? parts.settings().clamav ?? "off";
  return {
    name: "clamav",
    profile: (view) => {
      const settings = settingsFor(view);
      return settings === "off" ? "" : JSON.stringify(settings);
    },
    begin: (mail) => {
      const settings = settingsFor(mail);
      if (settings === "off") return undefined;
      const { contact } = parts.settings();
      const { maxSize } = settings;
      // What is announced is not believed, but spares the scanner a body that it would not take.
      const announced = mail.announced > maxSize ? 0 : mail.announced;
      const scan = parts.scanner.open({ ...mail, announced }, settings);
      const judge = (result: VirusResult | Away): Judged => judged(result, settings, contact);
      const inspector = inspectorOf({ scanner: "clamav", mail, scan, judge }, parts);
      const oversize = judge({ kind: "oversize" });
      return {
        ...inspector,
        finish: (body) => (body.size > maxSize ? Promise.resolve(oversize) : inspector.finish(body)),
      };
    },
    lost: (mail, why) => {
      const settings = settingsFor(mail);
      return settings === "off" ? { verdict: ACCEPT } : judged({ kind: "away", why }, settings, undefined);
    },
  };
}

function judged(result: VirusResult | Away, settings: ClamavSettings, contact: string | undefined): Judged {
  switch (result.kind) {
    case "clean":
      return { result: "clean", verdict: ACCEPT };
    case "found": {
      const what = `virus ${result.name}`;
      const charge = { field: FIELD, what, words: `Virus found: ${result.name}`, detail: "7.1" };
      return { result: "found", what, ...told(charge, settings.found, contact) };
    }
    case "oversize":
      return { result: "oversize", ...told(OVERSIZE, settings.oversize, contact) };
    case "away":
      return { result: "away", what: result.why, ...told(NOT_SCANNED, settings.unavailable, contact) };
  }
}

function told(charge: Charge, action: ClamavSettings["found"], contact: string | undefined) {
  return { verdict: consequence(charge, action, contact), notes: [charge.what] };
}
