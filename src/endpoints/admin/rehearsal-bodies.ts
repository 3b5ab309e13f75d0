/** Test sessions with a domain's primaries, in the API. */
import * as z from "zod";
import { text } from "./body-parts.ts";

const StepBody = z.object({
  what: z.enum(["route", "address", "connect", "session", "tls", "size", "identity", "known", "unknown"]),
  verdict: z.enum(["ok", "warn", "fail"]),
  text: z.string(),
  /** Milliseconds. */
  took: z.number().exactOptional(),
});

/** POST /v1/domains/{name}/test: `recipient` must exist there; default: the first one of the list, else postmaster. */
export const RehearsalQuery = z.strictObject({ recipient: text.exactOptional() });

/** `ok`: no step failed. */
export const RehearsalBody = z.object({
  domain: z.string(),
  ok: z.boolean(),
  primaries: z.array(z.object({ destination: z.string(), steps: z.array(StepBody).readonly() })).readonly(),
});
export type RehearsalBody = z.infer<typeof RehearsalBody>;
