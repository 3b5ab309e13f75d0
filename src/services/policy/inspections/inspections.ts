import type { CheckSettings } from "../../../ports/checks.ts";
import type { Inspection } from "../../../ports/inspection.ts";
import type { SpamScanner, VirusScanner } from "../../../ports/scanner.ts";
import type { ScanParts } from "./scanned.ts";
import { spamInspection } from "./spam.ts";
import { virusInspection } from "./virus.ts";

export interface InspectionParts extends ScanParts {
  readonly settings: () => CheckSettings;
  readonly clamav: VirusScanner;
  readonly rspamd: SpamScanner;
}

/** Every inspection of bodies: one line each. They run side by side. */
export function scannerInspections({ clamav, rspamd, ...parts }: InspectionParts): readonly Inspection[] {
  return [virusInspection({ ...parts, scanner: clamav }), spamInspection({ ...parts, scanner: rspamd })];
}
