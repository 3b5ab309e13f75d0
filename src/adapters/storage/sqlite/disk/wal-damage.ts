import { closeSync, copyFileSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { errorText } from "../../../../runtime/log.ts";
import { WAL_FILE } from "./connection.ts";

/** Lengths in bytes; https://sqlite.org/walformat.html, section 1. Numbers are big-endian. */
const HEADER = 32;
const FRAME_HEADER = 24;
/** What the checksum of the header covers, and what that of a frame covers of the frame's header. */
const HEADER_SUMMED = 24;
const FRAME_SUMMED = 8;
/** Of a WAL whose checksums take words as little-endian numbers: SQLite uses the byte order of the machine. */
const MAGIC = 0x377f0682;

/** A checksum: two unsigned 32-bit numbers. */
type Sum = readonly [number, number];

interface Frame {
  /** It was written since the WAL last began anew, and its checksum continues that of the frame before it. */
  readonly continues: boolean;
  readonly endsCommit: boolean;
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
 */
function hidesCommits(file: string): boolean {
  const descriptor = openSync(file, "r");
  try {
    const header = viewOf(descriptor, 0, HEADER);
    if (header.getUint32(0) !== MAGIC) return false;
    let isValid = isEqual(checksum(header, [0, HEADER_SUMMED], [0, 0]), pairAt(header, HEADER_SUMMED));
    let endedCommit = false;
    for (const { continues, endsCommit } of framesBehind(header, descriptor)) {
      if (!isValid && continues && endedCommit) return true;
      isValid &&= continues;
      endedCommit = !isValid && endsCommit;
    }
    return false;
  } finally {
    closeSync(descriptor);
  }
}

function* framesBehind(header: DataView, descriptor: number): Generator<Frame> {
  const length = FRAME_HEADER + header.getUint32(8);
  const { size } = fstatSync(descriptor);
  let before = pairAt(header, HEADER_SUMMED);
  for (let at = HEADER; at + length <= size; at += length) {
    const frame = viewOf(descriptor, at, length);
    const own = pairAt(frame, 16);
    const head = checksum(frame, [0, FRAME_SUMMED], before);
    // Frames of an earlier round have other salts.
    const continues =
      isEqual(pairAt(frame, 8), pairAt(header, 16)) &&
      isEqual(checksum(frame, [FRAME_HEADER, length], head), own);
    yield { continues, endsCommit: frame.getUint32(4) > 0 };
    before = own;
  }
}

/** A read beyond the end of the result throws RangeError: the file ends there. */
function viewOf(descriptor: number, at: number, length: number): DataView {
  const bytes = new Uint8Array(length);
  const read = readSync(descriptor, bytes, 0, length, at);
  return new DataView(bytes.buffer, 0, read);
}

/** Two numbers that stand together: the salts, or a checksum. */
function pairAt(view: DataView, at: number): Sum {
  return [view.getUint32(at), view.getUint32(at + 4)];
}

function isEqual(a: Sum, b: Sum): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

function checksum(view: DataView, [from, to]: readonly [number, number], begin: Sum): Sum {
  let [first, second] = begin;
  for (let at = from; at < to; at += 8) {
    first = (first + view.getUint32(at, true) + second) >>> 0;
    second = (second + view.getUint32(at + 4, true) + first) >>> 0;
  }
  return [first, second];
}
