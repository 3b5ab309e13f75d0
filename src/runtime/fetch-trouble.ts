import { errorText } from "./log.ts";
import { codeOf } from "./system-code.ts";

/**
 * Says why an HTTP request failed. `fetch` itself only says "fetch failed", and nothing at all if several addresses
 * failed.
 */
export function fetchTrouble(error: unknown): string {
  if (!(error instanceof TypeError && error.cause instanceof Error)) return errorText(error);
  const { cause } = error;
  // The message of `fetch` for this is "other side closed".
  if (codeOf(cause) === "UND_ERR_SOCKET") return "the connection broke off before the answer was whole";
  const troubles: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause];
  return [...new Set(troubles.map(errorText))].join("; ");
}
