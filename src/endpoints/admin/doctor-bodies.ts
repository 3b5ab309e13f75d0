/** The results of `doctor` in the API: how DNS and other servers see this server and its domains. */
import * as z from "zod";
import { optionalText } from "./body-parts.ts";

const FindingBody = z.object({
  what: z.enum(["name", "reverse", "port", "certificate", "mx", "primary", "recipients", "mta-sts"]),
  verdict: z.enum(["ok", "warn", "fail"]),
  text: z.string(),
  /** The DNS record that would solve the problem, in the syntax of a zone file. */
  record: optionalText,
});
type FindingBody = z.infer<typeof FindingBody>;

/** GET /v1/doctor, and GET /v1/domains/{name}/doctor. `ok`: nothing has failed. */
export const DiagnosisBody = z.object({
  /** Absent if the findings are about the server. */
  domain: optionalText,
  ok: z.boolean(),
  findings: z.array(FindingBody).readonly(),
});
export type DiagnosisBody = z.infer<typeof DiagnosisBody>;
