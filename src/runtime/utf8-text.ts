/** Text that operators write. What is not UTF-8 is refused: read as if it were, it would hold names of nobody. */
import { isUtf8 } from "node:buffer";

/** What is wrong with bytes that are something else, and what would be right. */
export const NOT_UTF8 = { wrong: "is not UTF-8 text", right: "save it as UTF-8" } as const;

/** Without its byte order mark; undefined where the bytes are not UTF-8. */
export function utf8Text(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString("utf8").replace(/^\ufeff/, "") : undefined;
}
