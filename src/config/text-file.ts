import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { timeInWords } from "../runtime/quantities.ts";
import { codeOf } from "../runtime/system-code.ts";
import { NOT_UTF8, utf8Text } from "../runtime/utf8-text.ts";
import type { Fault } from "./problem.ts";

type FileText = { readonly text: string } | { readonly fault: Fault };

/** Milliseconds in which a pipe must deliver all of its text; the caller's thread waits that long. */
const PIPE_PATIENCE = 20_000;
/** Milliseconds between two looks at a pipe that has nothing to read yet. */
const PIPE_REST = 10;
/** Bytes that are read at a time. */
const CHUNK = 65_536;

/**
 * Reads a whole text file of at most `maxBytes`, or says why it cannot be read and what the operator should change.
 * Blocks the thread; `pipePatience` (ms) bounds the wait for a pipe.
 */
export function readText(file: string, maxBytes: number, pipePatience = PIPE_PATIENCE): FileText {
  let handle: number | undefined;
  try {
    // Without O_NONBLOCK, opening a named pipe that has no writer never returns.
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(handle);
    if (stats.isDirectory()) return { fault: { wrong: "is a folder", right: "name a file" } };
    if (stats.size > maxBytes) return tooLarge(maxBytes);
    const bytes = readBytes(handle, stats.isFIFO(), { maxBytes, pipePatience });
    if (bytes === "late") return silentPipe(pipePatience);
    if (bytes.length > maxBytes) return tooLarge(maxBytes);
    const text = utf8Text(bytes);
    return text === undefined ? { fault: NOT_UTF8 } : { text };
  } catch (error) {
    return { fault: accessFault(error) };
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

interface Bounds {
  readonly maxBytes: number;
  readonly pipePatience: number;
}

/** Reads until the end, or until more than `maxBytes` were read: a device such as /dev/zero has no end. */
function readBytes(handle: number, isPipe: boolean, { maxBytes, pipePatience }: Bounds): Buffer | "late" {
  const deadline = performance.now() + pipePatience;
  const piece = Buffer.allocUnsafe(CHUNK);
  const pieces: Buffer[] = [];
  let length = 0;
  while (length <= maxBytes) {
    const count = readSome(handle, piece);
    if (count > 0) {
      pieces.push(Buffer.from(piece.subarray(0, count)));
      length += count;
      continue;
    }
    // An end before the first octet of a pipe: no writer has opened it yet, or one has closed it without writing.
    const isEnd = count === 0 && (length > 0 || !isPipe);
    if (isEnd) break;
    if (performance.now() >= deadline) return "late";
    pause(PIPE_REST);
  }
  return Buffer.concat(pieces, length);
}

/** Reads what is there: the number of bytes, 0 at the end, or -1 if a writer has not written more yet. */
function readSome(handle: number, piece: Buffer): number {
  try {
    return readSync(handle, piece);
  } catch (error) {
    if (codeOf(error) === "EAGAIN") return -1;
    throw error;
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function silentPipe(patience: number): FileText {
  const wrong = `is a pipe that did not deliver a whole text within ${timeInWords(patience)}`;
  return { fault: { wrong, right: "name a regular file, or write the text into the pipe" } };
}

function tooLarge(maxBytes: number): FileText {
  const most = maxBytes < 1e6 ? `${maxBytes / 1e3} KB` : `${maxBytes / 1e6} MB`;
  return { fault: { wrong: "is too large", right: `keep it at ${most} or less` } };
}

/** Explains an error of the file system to the operator. */
export function accessFault(error: unknown): Fault {
  const code = codeOf(error);
  if (code === "ENOENT" || code === "ENOTDIR") return { wrong: "does not exist", right: "check the path" };
  if (code === "EACCES" || code === "EPERM") {
    return { wrong: "cannot be read: permission denied", right: "let the daemon's user read it" };
  }
  return { wrong: `cannot be read (${code ?? String(error)})`, right: "check the path and the disk" };
}
