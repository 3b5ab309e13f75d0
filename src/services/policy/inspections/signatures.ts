import { ACCEPT, type BodyVerdict, type Verdict } from "../../../mail/verdict.ts";
import type { Authenticator, BodyProof } from "../../../ports/authentication.ts";
import type { CheckAction, CheckSettings, ContentAction } from "../../../ports/checks.ts";
import type { ContentView, Inspected, InspectedMail, Inspection } from "../../../ports/inspection.ts";
import { refusal } from "../refusal.ts";

export interface SignatureParts {
  readonly authenticator: Pick<Authenticator, "verifyBody">;
  readonly settings: () => CheckSettings;
}

interface Wanted {
  readonly dkim: CheckAction | "off";
  readonly dmarc: ContentAction | "off";
}

/**
 * DKIM and DMARC: signatures are verified while the body arrives. A failure of the DNS never causes a refusal: the
 * result is then `temperror`, and is recorded.
 */
export function signatureInspection({ authenticator, settings }: SignatureParts): Inspection {
  const wantedFor = ({ own }: ContentView): Wanted => {
    const { dkim = "off", dmarc = "off" } = settings();
    return { dkim: own?.dkim ?? dkim, dmarc: own?.dmarc ?? dmarc };
  };
  return {
    name: "signatures",
    profile: (view) => {
      const wanted = wantedFor(view);
      return isOff(wanted) ? "" : `dkim ${wanted.dkim} dmarc ${wanted.dmarc}`;
    },
    begin: (mail) => {
      const wanted = wantedFor(mail);
      if (isOff(wanted)) return undefined;
      const verifier = authenticator.verifyBody();
      return {
        feed: (chunk) => verifier.feed(chunk),
        finish: async () => {
          const spf = await mail.spf;
          const dmarc = wanted.dmarc !== "off";
          const proof = await verifier.finish({ dmarc, ...(spf !== undefined && { spf }) });
          return inspected(proof, mail, { wanted, contact: settings().contact });
        },
        abort: () => verifier.abort(),
      };
    },
    lost: (_mail, why) => ({ verdict: ACCEPT, notes: [`signatures not verified: ${why}`] }),
  };
}

function isOff({ dkim, dmarc }: Wanted): boolean {
  return dkim === "off" && dmarc === "off";
}

interface Rules {
  readonly wanted: Wanted;
  readonly contact: string | undefined;
}

function inspected(proof: BodyProof, { exempt }: InspectedMail, rules: Rules): Inspected {
  return { verdict: exempt ? ACCEPT : judge(proof, rules), proof, notes: notesOf(proof) };
}

/** The enhanced codes are those of RFC 7372 §3. */
function judge(proof: BodyProof, rules: Rules): BodyVerdict {
  const failed = proof.dmarc?.result === "fail" ? judgeFailed(proof, rules) : ACCEPT;
  return failed.kind === "accept" ? judgeSignatures(proof, rules) : failed;
}

/** Judges a mail for which DMARC failed. */
function judgeFailed({ dmarc, fromDomain }: BodyProof, { wanted, contact }: Rules): BodyVerdict {
  const asked = dmarc?.policy ?? "none";
  if (wanted.dmarc === "quarantine" && asked !== "none") {
    // DMARC finds a domain also in an address that is malformed otherwise, as with a source route.
    const author = fromDomain ?? "the domain of its From field";
    return { kind: "quarantine", why: `DMARC fails, and ${author} asks to ${asked} such mail` };
  }
  if (asked !== "reject" || !acts(wanted.dmarc)) return ACCEPT;
  const words = "The domain of your From field asks to refuse this (DMARC)";
  return refusal(wanted.dmarc, "7.26", [words, contact]);
}

function judgeSignatures({ signatures, unread }: BodyProof, { wanted, contact }: Rules): Verdict {
  if (unread === true) return ACCEPT;
  const bad =
    signatures.length > 0 && signatures.every(({ result }) => result !== "pass" && result !== "temperror");
  if (bad && acts(wanted.dkim))
    return refusal(wanted.dkim, "7.20", ["No signature of this mail is valid (DKIM)", contact]);
  return ACCEPT;
}

function acts(action: ContentAction | "off"): action is "defer" | "reject" {
  return action === "defer" || action === "reject";
}

function notesOf({ signatures, dmarc, fromDomain = "no clear From" }: BodyProof): readonly string[] {
  const said = signatures.map(
    ({ result, domain }) => `dkim ${result}${domain === undefined ? "" : ` for ${domain}`}`,
  );
  return [
    ...(signatures.length === 0 ? ["dkim none"] : new Set(said)),
    ...(dmarc === undefined ? [] : [`dmarc ${dmarc.result} for ${fromDomain}`]),
  ];
}
