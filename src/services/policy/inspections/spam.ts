import { ACCEPT } from "../../../mail/verdict.ts";
import type { CheckSettings, ContentAction, RspamdSettings } from "../../../ports/checks.ts";
import type { ContentView, Inspected, Inspection } from "../../../ports/inspection.ts";
import type { Away, SpamResult, SpamScanner, SpamWord } from "../../../ports/scanner.ts";
import { judgeCharge, inspectionOf, type Charge, type Judged, type ScanParts } from "./scanned.ts";

interface SpamParts extends ScanParts {
  readonly scanner: SpamScanner;
  readonly settings: () => CheckSettings;
}

const FIELD = "X-Holdfast-Spam";
const NOT_SCANNED: Charge = {
  field: FIELD,
  what: "not scanned, no spam scanner answered",
  words: "No spam scanner answers, try again later",
};

/** Shows bodies to rspamd, except for mail to postmaster and from clients and senders that are allowed. */
export function spamInspection(parts: SpamParts): Inspection {
  const settingsFor = ({ own, exempt }: ContentView): RspamdSettings | "off" =>
    exempt ? "off" : (own?.rspamd ?? parts.settings().rspamd ?? "off");
  const judge = (result: SpamResult | Away, settings: RspamdSettings): Judged =>
    judged(result, settings, parts.settings().contact);
  const tooLarge = (): Inspected => ({ verdict: ACCEPT, notes: ["too large for the spam scanner"] });
  return inspectionOf({ name: "rspamd", scanner: parts.scanner, settingsFor, judge, tooLarge }, parts);
}

function judged(result: SpamResult | Away, settings: RspamdSettings, contact: string | undefined): Judged {
  if (result.kind === "away") {
    const verdict = judgeCharge(NOT_SCANNED, settings.unavailable, contact);
    return { result: "away", what: result.why, verdict, notes: [NOT_SCANNED.what] };
  }
  const { word, score, required, fields } = result;
  const what = `${word}, spam score ${rounded(score)} of ${rounded(required)}`;
  const charge = { field: FIELD, what, words: wordsOf(result) };
  return {
    result: word === "no action" ? "clean" : "found",
    ...(word !== "no action" && { what }),
    verdict: judgeCharge(charge, actionFor(word, settings), contact),
    fields: settings.headers ? fields : [],
    notes: [what],
  };
}

function actionFor(word: SpamWord, settings: RspamdSettings): ContentAction | "accept" {
  switch (word) {
    case "no action":
      return "accept";
    case "greylist":
      return settings.greylist;
    case "add header":
    case "rewrite subject":
      return settings.addHeader;
    case "soft reject":
      return settings.softReject;
    case "quarantine":
      return "quarantine";
    case "reject":
      return settings.reject;
  }
}

/** The text of rspamd if it has one: the operator runs rspamd and is responsible for it. */
function wordsOf({ word, message }: SpamResult): string {
  if (message !== undefined) return message;
  return word === "soft reject" || word === "greylist" ? "Try again later" : "Message looks like spam";
}

function rounded(score: number): string {
  return String(Math.round(score * 100) / 100);
}
