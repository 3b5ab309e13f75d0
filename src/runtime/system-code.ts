import { constants } from "node:os";

/**
 * What the system, SQLite or Node calls an error, such as ENOSPC; undefined where it has no such name. Node has none for
 * a quota that is used up ("Unknown system error -122"); here that is EDQUOT.
 */
export function codeOf(error: unknown): string | undefined {
  const { code, errno } = (error ?? {}) as { readonly code?: unknown; readonly errno?: unknown };
  if (errno === -constants.errno.EDQUOT) return "EDQUOT";
  return typeof code === "string" ? code : undefined;
}
