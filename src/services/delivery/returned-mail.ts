import type { OwedMail } from "../../ports/notices.ts";

/** Octets of a header section that are returned. */
const MAX_HEADER = 64 * 1024;

/** The mail whole where it is no larger than `whole`, else its header section; undefined when it is gone. */
export async function readBack(
  { topFields, body }: OwedMail,
  whole: number,
): Promise<{ readonly whole: boolean; readonly content: Buffer } | undefined> {
  if (body === undefined) return undefined;
  const top = Buffer.from(topFields);
  const isWhole = top.length + body.size <= whole;
  const start = await firstOctets(body, isWhole ? body.size : MAX_HEADER);
  if (start === undefined) return undefined;
  return { whole: isWhole, content: Buffer.concat([top, isWhole ? start : headerSection(start)]) };
}

/** Undefined when the body was thrown away meanwhile. */
async function firstOctets(body: NonNullable<OwedMail["body"]>, most: number): Promise<Buffer | undefined> {
  const source = body.read();
  if (Buffer.isBuffer(source)) return source.subarray(0, most);
  const target = Buffer.allocUnsafe(most);
  let size = 0;
  try {
    while (size < most) {
      const came = await source.read(target.subarray(size));
      if (came === 0) break;
      size += came;
    }
  } catch {
    return undefined;
  } finally {
    await source.close();
  }
  return target.subarray(0, size);
}

/** Up to the empty line; of a longer one its whole lines. */
function headerSection(start: Buffer): Buffer {
  if (start.subarray(0, 2).toString("latin1") === "\r\n") return Buffer.alloc(0);
  const end = start.indexOf("\r\n\r\n");
  if (end !== -1) return start.subarray(0, end + 2);
  return start.subarray(0, start.lastIndexOf("\r\n") + 2);
}
