/** Where log lines go: stdout or a file, written in the background. */
import { closeSync, openSync } from "node:fs";
import { pino } from "pino";
import type { Fields, LogLevel } from "../../runtime/log.ts";
import { membersJson, textJson } from "./plain.ts";

const STDOUT = 1;
const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
/** Milliseconds after which a line is written at the latest. */
const FLUSH_EVERY = 100;
/** Bytes that wait for a slow disk or pipe; further lines are dropped and counted. */
const MAX_WAITING = 16 * 1024 * 1024;
/** Bytes collected before a write. */
const BLOCK = 8 * 1024;

/** The log file cannot be opened. */
export class CannotWriteLog extends Error {
  override readonly name = "CannotWriteLog";
}

export interface LogFile {
  /** One line; `at` in ms since 1970. Never throws. */
  write(level: LogLevel, at: number, event: string, fields: Fields): void;
  /** Lines that could not be written. */
  dropped(): number;
  /** Opens the file anew, after it was renamed; no line is lost on the way. */
  reopen(): void;
  close(): Promise<void>;
}

export interface LogFileOptions {
  /** Absent: stdout. */
  readonly file?: string;
  readonly level: LogLevel;
}

/** Throws CannotWriteLog when the file cannot be opened. */
export function openLogFile({ file, level }: LogFileOptions): LogFile {
  if (file !== undefined) probe(file);
  // By path, not by descriptor: only then can it be opened anew.
  const destination = pino.destination({
    dest: file ?? STDOUT,
    sync: false,
    mode: 0o640,
    minLength: BLOCK,
    maxLength: MAX_WAITING,
  });
  let dropped = 0;
  let closed = false;
  const drop = (): void => void (dropped += 1);
  destination.on("drop", drop);
  // A full disk or a closed pipe must not end the daemon.
  destination.on("error", drop);
  const least = LEVELS.indexOf(level);
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    timer = undefined;
    destination.flush();
  };
  return {
    write(line, at, name, fields) {
      if (closed || LEVELS.indexOf(line) < least) return;
      destination.write(lineOf(line, at, name, fields));
      timer ??= setTimeout(flush, FLUSH_EVERY).unref();
    },
    dropped: () => dropped,
    reopen() {
      if (file !== undefined && !closed) destination.reopen();
    },
    close() {
      closed = true;
      clearTimeout(timer);
      return ended(destination);
    },
  };
}

/** A field cannot stand in for what every line has. */
const HEAD: ReadonlySet<string> = new Set(['"level"', '"time"', '"event"']);

function lineOf(level: LogLevel, at: number, event: string, fields: Fields): string {
  const rest = membersJson(fields, 0, HEAD);
  return `{"level":"${level}","time":"${timeText(at)}","event":${textJson(event)}${rest === "" ? "" : `,${rest}`}}\n`;
}

let lastTime = Number.NaN;
let lastText = "";

/** Lines come in bursts of one millisecond. */
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

/** Writes what waits and closes; stdout stays open. */
function ended(destination: Destination): Promise<void> {
  return new Promise((resolve) => {
    destination.once("close", resolve);
    destination.once("error", () => resolve());
    destination.end();
  });
}
