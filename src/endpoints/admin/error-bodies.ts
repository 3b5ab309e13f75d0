/** Errors and health in the API. */
import * as z from "zod";
import { optionalText } from "./body-parts.ts";

// prettier-ignore
export const ErrorCode = z.enum([
  "bad_request", "unauthorized", "forbidden", "not_found", "method_not_allowed", "conflict", "too_large",
  "too_many_attempts", "busy", "timeout", "damaged", "internal",
]);
export type ErrorCode = z.infer<typeof ErrorCode>;

export const ErrorBody = z.object({
  error: z.object({ code: ErrorCode, message: z.string(), hint: optionalText }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/** GET /healthz (alive, storage not sick), GET /readyz (accepting mail): 200 or 503. */
export const HealthBody = z.object({ ok: z.boolean(), why: optionalText });
export type HealthBody = z.infer<typeof HealthBody>;
