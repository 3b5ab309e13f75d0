import { errorText } from "./log.ts";
import { codeOf } from "./system-code.ts";

/** Why a request over HTTP failed: `fetch` itself says "fetch failed", and of several addresses nothing at all. */
export function fetchTrouble(error: unknown): string {
  if (!(error instanceof TypeError && error.cause instanceof Error)) return errorText(error);
  const { cause } = error;
  // What `fetch` has for it is "other side closed".
  if (codeOf(cause) === "UND_ERR_SOCKET") return "the connection broke off before the answer was whole";
  const troubles: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause];
  return [...new Set(troubles.map(errorText))].join("; ");
}
