/**
 * Text that operators write. Bytes that are not UTF-8 are refused: decoded as UTF-8, they would become names that
 * nobody has.
 */
import { isUtf8 } from "node:buffer";

/** Message for other bytes: what is wrong and what would be right. */
export const NOT_UTF8 = { wrong: "is not UTF-8 text", right: "save it as UTF-8" } as const;

/** Decodes the bytes without their byte order mark; returns undefined if they are not UTF-8. */
export function utf8Text(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString("utf8").replace(/^\ufeff/, "") : undefined;
}
