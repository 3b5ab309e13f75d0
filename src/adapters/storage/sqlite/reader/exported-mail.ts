import { Readable } from "node:stream";
import { type Body, BodyDamaged } from "../../../../ports/stored-body.ts";
import { codeOf } from "../../../../runtime/system-code.ts";
import { bodyInFile, bodyInMemory, type FilePlace, type StoredBody } from "../bodies/stored-body.ts";

/** Bytes of a body that are read at a time. */
const READ_SIZE = 64 * 1024;

/** A mail as it would be delivered: our header fields, then the body or its place. */
export interface ExportedMail extends StoredBody {
  readonly topFields: string;
  readonly body: ArrayBuffer | FilePlace;
}

/**
 * Returns the mail as a stream, after a first complete read has verified it. Returns undefined if its file has been
 * removed meanwhile. Rejects with BodyDamaged if the body is not the accepted one; `asItIs` skips that check.
 */
export async function streamOf(mail: ExportedMail, asItIs: boolean): Promise<Readable | undefined> {
  try {
    if (!asItIs) for await (const _ of octetsOf(mail, asItIs)) continue;
    const octets = octetsOf(mail, asItIs);
    // The file is open now, so it stays readable even if it is removed.
    const first = await octets.next();
    return stream(mail.topFields, first.done === true ? Buffer.alloc(0) : first.value, octets);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function stream(topFields: string, first: Buffer, octets: AsyncGenerator<Buffer>): Readable {
  const mail = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from(topFields);
    yield first;
    yield* octets;
  };
  // Without this, a consumer that stops before the body begins would leave the file open.
  return Readable.from(mail(), { objectMode: false }).once("close", () => void octets.return(undefined));
}

async function* octetsOf(mail: ExportedMail, asItIs: boolean): AsyncGenerator<Buffer> {
  const source = bodyOf(mail, asItIs).read();
  if (Buffer.isBuffer(source)) return yield source;
  try {
    for (;;) {
      const target = Buffer.allocUnsafeSlow(READ_SIZE);
      const came = await source.read(target);
      if (came === 0) return;
      yield target.subarray(0, came);
    }
  } catch (error) {
    if (!asItIs || !(error instanceof BodyDamaged)) throw error;
  } finally {
    await source.close();
  }
}

function bodyOf({ body, size, crc }: ExportedMail, asItIs: boolean): Body {
  if (!(body instanceof ArrayBuffer)) return bodyInFile(body, { size, crc });
  return bodyInMemory(body, asItIs ? { size: body.byteLength, crc: null } : { size, crc });
}
