import type { OwedMail } from "../../../ports/dsn.ts";
import type { Body } from "../../../ports/stored-body.ts";

/** Maximum size of a returned header section, in octets. */
const MAX_HEADER = 64 * 1024;

export interface ReturnedMail {
  readonly whole: boolean;
  readonly content: Buffer;
}

/**
 * Reads the whole mail if it has at most `whole` octets, else its header section. Undefined if the mail is gone. Always
 * reads the body to its end, because only there damage is detected: rejects with BodyDamaged or the system's error.
 */
export async function readBack(
  { topFields, body }: OwedMail,
  whole: number,
): Promise<ReturnedMail | undefined> {
  if (body === undefined) return undefined;
  const top = Buffer.from(topFields);
  const isWhole = top.length + body.size <= whole;
  const start = await firstOctets(body, isWhole ? body.size : MAX_HEADER);
  return { whole: isWhole, content: Buffer.concat([top, isWhole ? start : headerSection(start)]) };
}

async function firstOctets(body: Body, most: number): Promise<Buffer> {
  const source = body.read();
  if (Buffer.isBuffer(source)) return source.subarray(0, most);
  const first = Buffer.allocUnsafe(most);
  const rest = Buffer.allocUnsafe(MAX_HEADER);
  let size = 0;
  try {
    for (;;) {
      const came = await source.read(size < most ? first.subarray(size) : rest);
      if (came === 0) break;
      size += came;
    }
  } finally {
    await source.close();
  }
  return first.subarray(0, size);
}

/** The header section up to the empty line. If no empty line is found, the complete lines. */
function headerSection(start: Buffer): Buffer {
  if (start.subarray(0, 2).toString("latin1") === "\r\n") return Buffer.alloc(0);
  const end = start.indexOf("\r\n\r\n");
  if (end !== -1) return start.subarray(0, end + 2);
  const lastLine = start.lastIndexOf("\r\n");
  return start.subarray(0, lastLine === -1 ? 0 : lastLine + 2);
}
