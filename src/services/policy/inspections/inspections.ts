import type { Inspection } from "../../../ports/inspection.ts";
import type { SpamScanner, VirusScanner } from "../../../ports/scanner.ts";
import type { ScanParts } from "./scanned.ts";
import { signatureInspection, type SignatureParts } from "./signatures.ts";
import { spamInspection } from "./spam.ts";
import { virusInspection } from "./virus.ts";

interface InspectionParts extends ScanParts, SignatureParts {
  readonly clamav: VirusScanner;
  readonly rspamd: SpamScanner;
}

/** All inspections of bodies, one line each. They run in parallel. */
export function allInspections({ clamav, rspamd, ...parts }: InspectionParts): readonly Inspection[] {
  return [
    signatureInspection(parts),
    virusInspection({ ...parts, scanner: clamav }),
    spamInspection({ ...parts, scanner: rspamd }),
  ];
}
