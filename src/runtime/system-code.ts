import { constants } from "node:os";

/**
 * Returns the code of an error of the system, SQLite or Node.js, such as ENOSPC; undefined if it has none. Node.js has
 * no code for a quota that is used up ("Unknown system error -122"); this function returns EDQUOT for it.
 */
export function codeOf(error: unknown): string | undefined {
  const { code, errno } = (error ?? {}) as { readonly code?: unknown; readonly errno?: unknown };
  if (errno === -constants.errno.EDQUOT) return "EDQUOT";
  return typeof code === "string" ? code : undefined;
}
