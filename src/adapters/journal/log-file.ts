/** Where log lines go: stdout or a file, written in the background. */
import { closeSync, openSync } from "node:fs";
import { pino } from "pino";
import type { LogLevel } from "../../runtime/log.ts";
import { WaitingText } from "../../runtime/waiting-text.ts";
import { textJson } from "./plain.ts";
import { priorities } from "./systemd-journal.ts";

const STDOUT = 1;
const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
/** Longest time in ms that a line waits to be written. */
const FLUSH_EVERY = 100;
/** Most bytes that wait for a slow disk or pipe; further lines are dropped and counted. */
const MAX_WAITING = 16 * 1024 * 1024;
/** Bytes collected before a write. Each write is a task for another thread, so many small ones would be expensive. */
const BLOCK = 64 * 1024;
/** Bytes reserved for a block: its last line may exceed BLOCK. */
const ROOM = BLOCK + 4 * 1024;

/** Ms without any progress after which closing the log fails. */
const PATIENCE = 5000;

/** The reader of the log does not read. */
class LogBlocked extends Error {
  override readonly name = "LogBlocked";
  /** The process cannot exit in order, because it would wait for the pending write. */
  readonly stuck = true;

  constructor() {
    super(`nobody has read the log for ${PATIENCE / 1000} s, so its last lines are lost`);
  }
}

/** The log file cannot be opened. */
class CannotWriteLog extends Error {
  override readonly name = "CannotWriteLog";
}

export interface LogFile {
  /** Returns whether lines of this level are written. */
  wants(level: LogLevel): boolean;
  /** Writes one line; `at` in ms since 1970, `members` as JSON without braces. Never throws. */
  write(level: LogLevel, at: number, event: string, members: string): void;
  /** Number of lines that could not be written. */
  dropped(): number;
  /** Reopens the file after it was renamed. No line is lost; if it cannot be opened, the old one stays in use. */
  reopen(): void;
  /** Rejects with LogBlocked if the reader does not read. */
  close(): Promise<void>;
}

interface LogFileOptions {
  /** Absent: stdout. */
  readonly file?: string;
  readonly level: LogLevel;
  /** Called with the reason if the file could not be reopened; lines still go to the old one. */
  readonly kept?: (why: string) => void;
}

/** Throws CannotWriteLog when the file cannot be opened. */
export function openLogFile({ file, level, kept }: LogFileOptions): LogFile {
  if (file !== undefined) probe(file);
  let failing = false;
  // The last lines say why a process ends, so they are passed on before the destination writes its rest at `exit`.
  // If it cannot write, for example because the disk is full, it would retry for ever and the process would never end.
  const atExit = (): void => {
    lines.pass();
    if (failing) destination.destroy();
  };
  process.once("exit", atExit);
  // By path, because pino cannot reopen a descriptor.
  const destination = pino.destination({
    dest: file ?? STDOUT,
    sync: false,
    mode: 0o640,
    maxLength: MAX_WAITING,
    maxWrite: 2 * BLOCK,
  });
  let dropped = 0;
  /** The reader of the pipe is gone. From then on the destination ignores everything, even end(). */
  let gone = false;
  const drop = (lines: string): void => void (dropped += lines.split("\n").length - 1);
  destination.on("drop", drop);
  // A full disk or a closed pipe must not end the daemon.
  destination.on("error", ({ code, syscall }: NodeJS.ErrnoException) => {
    if (syscall === "open") return;
    gone = code === "EPIPE";
    dropped += 1;
    failing = true;
  });
  destination.on("write", () => (failing = false));
  const lines = new LineBlock((block) => void (gone ? drop(block) : destination.write(block)));
  const before = file === undefined ? priorities(STDOUT, process.env) : undefined;
  const least = LEVELS.indexOf(level);
  let opened = opening(destination).catch(() => undefined);
  let closed = false;
  return {
    wants: (line) => !closed && LEVELS.indexOf(line) >= least,
    write(line, at, name, members) {
      if (!closed) lines.add((before?.[line] ?? "") + lineOf(line, at, name, members));
    },
    dropped: () => dropped,
    reopen() {
      if (file === undefined || closed) return;
      lines.pass();
      opened = opened.then(() => reopened(destination)).catch((error: Error) => kept?.(error.message));
    },
    close() {
      closed = true;
      lines.pass();
      process.off("exit", atExit);
      return gone ? Promise.resolve() : ended(destination, opened);
    },
  };
}

/** Collects lines and passes them on as one text. */
class LineBlock {
  readonly #write: (block: string) => void;
  readonly #waiting = new WaitingText(ROOM);
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (block: string) => void) {
    this.#write = write;
  }

  add(line: string): void {
    this.#waiting.add(line);
    if (this.#waiting.length >= BLOCK) this.pass();
    else this.#timer ??= setTimeout(() => this.pass(), FLUSH_EVERY).unref();
  }

  pass(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const block = this.#waiting.bytes.toString();
    this.#waiting.clear();
    if (block !== "") this.#write(block);
  }
}

function lineOf(level: LogLevel, at: number, event: string, members: string): string {
  const rest = members === "" ? "" : `,${members}`;
  return `{"level":"${level}","time":"${timeText(at)}","event":${textJson(event)}${rest}}\n`;
}

let lastTime = Number.NaN;
let lastText = "";

/** Caches the last result, because many lines have the same millisecond. */
function timeText(at: number): string {
  if (at !== lastTime) lastText = new Date(at).toISOString();
  lastTime = at;
  return lastText;
}

function probe(file: string): void {
  try {
    closeSync(openSync(file, "a", 0o640));
  } catch (error) {
    throw new CannotWriteLog(
      `cannot write the log file ${file}: ${(error as Error).message}; create its folder or change log.file`,
    );
  }
}

type Destination = ReturnType<typeof pino.destination>;

/** Resolves when the destination has opened its file; rejects if it cannot. */
function opening(destination: Destination): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const failed = (error: Error): void => {
    // Otherwise the next success closes the old descriptor once per failure, although another file may have it then.
    destination.removeAllListeners("ready");
    reject(error);
  };
  destination.once("error", failed);
  destination.once("ready", () => {
    destination.off("error", failed);
    resolve();
  });
  return promise;
}

function reopened(destination: Destination): Promise<void> {
  const result = opening(destination);
  destination.reopen();
  return result;
}

/** Writes the rest and closes, once the file is open. Stdout stays open. */
function ended(destination: Destination, opened: Promise<void>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const patience = setTimeout(() => reject(new LogBlocked()), PATIENCE);
  destination.on("write", () => patience.refresh());
  destination.once("close", resolve);
  void opened.then(() => {
    destination.once("error", () => {
      destination.destroy();
      resolve();
    });
    destination.end();
  });
  return promise.finally(() => clearTimeout(patience));
}
