import { closeSync, copyFileSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { errorText } from "../../../../runtime/log.ts";
import { WAL_FILE } from "./connection.ts";

/** https://sqlite.org/walformat.html, section 1: big-endian numbers; lengths in bytes. */
const HEADER = 32;
const FRAME_HEADER = 24;
/** What the checksum of the header covers, and what that of a frame covers of the frame's header. */
const HEADER_SUMMED = 24;
const FRAME_SUMMED = 8;
/** The last bit of the magic number tells the byte order of the words that are summed. */
const MAGIC = 0x377f0682;

/** A checksum: two unsigned 32-bit numbers. */
type Sum = readonly [number, number];

interface Frame {
  /** It belongs to this life of the WAL, not to an earlier one. */
  readonly isOurs: boolean;
  readonly endsCommit: boolean;
  readonly sum: Sum;
}

/**
 * Looks for damage in the WAL that SQLite does not report: at the first frame that is not valid it takes the WAL for
 * ended. Call it before the database is opened. If commits are lost that way, a copy of the WAL is kept beside it, and
 * the result is a sentence for the operator; otherwise undefined.
 */
export function findWalDamage(folder: string): string | undefined {
  const file = join(folder, WAL_FILE);
  try {
    if (!hidesCommits(file)) return undefined;
  } catch {
    // There is no WAL, or SQLite reports what is wrong with it.
    return undefined;
  }
  return `${WAL_FILE}: damaged in the middle; all that was stored after that is lost, acknowledged mail included (${keep(file)})`;
}

function keep(file: string): string {
  try {
    copyFileSync(file, `${file}.damaged`);
    return `kept as ${WAL_FILE}.damaged`;
  } catch (error) {
    return `it could not be kept: ${errorText(error)}`;
  }
}

/**
 * Whether a whole commit lies behind the first invalid frame. A commit that a crash interrupted, or that failed, lies
 * there as well; but SQLite adds a frame to a commit only once that is complete. So the proof is a last frame of a
 * commit with a frame behind it that continues its checksum.
 *
 * A damaged header proves nothing: it looks like one that was being written, over frames that were no longer needed.
 */
function hidesCommits(file: string): boolean {
  const descriptor = openSync(file, "r");
  try {
    let isValid = true;
    let before: Frame | undefined;
    for (const { frame, continues } of framesOf(descriptor)) {
      if (isValid) isValid = continues;
      else if (continues && before?.endsCommit === true) return true;
      before = frame;
    }
    return false;
  } finally {
    closeSync(descriptor);
  }
}

/** All frames of the file, each with whether its checksum continues the one before it. */
function* framesOf(descriptor: number): Generator<{ frame: Frame; continues: boolean }> {
  const header = viewOf(descriptor, 0, HEADER);
  const isLittle = header.getUint32(0) === MAGIC;
  if (!isLittle && header.getUint32(0) !== MAGIC + 1) return;
  const summing = { isLittle, from: 0, to: HEADER_SUMMED };
  let before = { isOurs: true, sum: sumAt(header, HEADER_SUMMED) };
  if (!isEqual(checksum(header, summing, [0, 0]), before.sum)) return;
  const length = FRAME_HEADER + header.getUint32(8);
  const { size } = fstatSync(descriptor);
  for (let at = HEADER; at + length <= size; at += length) {
    const view = viewOf(descriptor, at, length);
    const sum = sumAt(view, 16);
    const frame = {
      isOurs: isEqual(sumAt(view, 8), sumAt(header, 16)),
      endsCommit: view.getUint32(4) > 0,
      sum,
    };
    const head = checksum(view, { isLittle, from: 0, to: FRAME_SUMMED }, before.sum);
    const continues =
      frame.isOurs &&
      before.isOurs &&
      isEqual(checksum(view, { isLittle, from: FRAME_HEADER, to: length }, head), sum);
    yield { frame, continues };
    before = frame;
  }
}

/** Throws RangeError where the file ends before. */
function viewOf(descriptor: number, at: number, length: number): DataView {
  const bytes = new Uint8Array(length);
  const read = readSync(descriptor, bytes, 0, length, at);
  return new DataView(bytes.buffer, 0, read);
}

/** Two numbers that stand together: the salts, or a checksum. */
function sumAt(view: DataView, at: number): Sum {
  return [view.getUint32(at), view.getUint32(at + 4)];
}

function isEqual(a: Sum, b: Sum): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

interface Summing {
  readonly isLittle: boolean;
  readonly from: number;
  readonly to: number;
}

function checksum(view: DataView, { isLittle, from, to }: Summing, begin: Sum): Sum {
  let [first, second] = begin;
  for (let at = from; at < to; at += 8) {
    first = (first + view.getUint32(at, isLittle) + second) >>> 0;
    second = (second + view.getUint32(at + 4, isLittle) + first) >>> 0;
  }
  return [first, second];
}
