/** Checks the files of `smtp.tls`: they must exist, be valid, and each certificate must match its key. */
import { resolve } from "node:path";
import { judgePair } from "../runtime/certificate.ts";
import type { Partly } from "./remarks.ts";
import type { Fault, Path, Remark } from "./problem.ts";
import type { Parsed } from "./schema.ts";
import { readText } from "./text-file.ts";

/** A chain has a few kilobytes. */
const MAX_PEM_BYTES = 1_000_000;

type Pair = NonNullable<Parsed["smtp"]["tls"]>[number];

export function certificateRemarks({ smtp }: Partly<Parsed>, folder: string): readonly Remark[] {
  // If `smtp.tls` has a mistake, this is the unchecked value, of any type.
  const pairs: readonly Pair[] = Array.isArray(smtp?.tls) ? smtp.tls : [];
  const alone = pairs.length === 1;
  return pairs.flatMap((pair, index) =>
    pairRemarks(pair, ["smtp", "tls", ...(alone ? [] : [index])], folder),
  );
}

function pairRemarks(pair: Pair, path: Path, folder: string): readonly Remark[] {
  const [certificateFile, keyFile] = [resolve(folder, pair.certificate), resolve(folder, pair.key)];
  const certificate = readText(certificateFile, MAX_PEM_BYTES);
  const key = readText(keyFile, MAX_PEM_BYTES);
  const found: Remark[] = [];
  const tell = (part: "certificate" | "key", { wrong, right }: Fault): void => {
    const file = part === "key" ? keyFile : certificateFile;
    found.push({ path: [...path, part], wrong: `${file} ${wrong}`, right });
  };
  if ("fault" in certificate) tell("certificate", certificate.fault);
  if ("fault" in key) tell("key", key.fault);
  if ("fault" in certificate || "fault" in key) return found;
  const judgement = judgePair({ certificate: certificate.text, key: key.text });
  if (judgement.kind === "sound") return [];
  const { part, why, mismatch } = judgement;
  const wrong = mismatch ? `${why} in ${certificateFile}` : why;
  tell(part, {
    wrong,
    right: mismatch ? "name the private key of this certificate" : `name the PEM file of the ${part}`,
  });
  return found;
}
