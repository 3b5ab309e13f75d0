import { errorText } from "../../../../runtime/log.ts";
import { codeOf } from "../../../../runtime/system-code.ts";

/**
 * What a failed statement or file operation means: `full`, there is no room; `sick`, the disk or the database is
 * not to be trusted; `row`, only this one job is at fault; `late`, its deadline passed before it began.
 */
type Why = "full" | "sick" | "row" | "late";

/** Why a job of the writer was not done. */
export class StoreFailure extends Error {
  readonly why: Why;

  constructor(why: Why, message: string, cause?: unknown) {
    super(message, { cause });
    this.why = why;
  }
}

/** The index of the WAL, which readers share, is a file that each start creates anew; that needs room as well. */
const NO_ROOM = new Set(["ENOSPC", "EDQUOT", "SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"]);
/** The process lacks a resource, for example when many clients send large mails at once; the disk is not at fault. */
const SHORT = new Set(["EMFILE", "ENFILE", "ENOMEM"]);
/** Faults of the values to be stored; the same statement would succeed with other values. */
const ROW_FAULT = /^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE|ERROR)/;

export function whyOf(error: unknown): Why {
  const code = codeOf(error);
  if (code === undefined) return "row";
  if (NO_ROOM.has(code)) return "full";
  if (ROW_FAULT.test(code) || SHORT.has(code)) return "row";
  // Node's own codes such as ERR_INVALID_ARG_TYPE concern values, the system's codes (EIO, EROFS) concern the disk.
  return code.startsWith("ERR_") ? "row" : "sick";
}

export function failureOf(error: unknown): StoreFailure {
  if (error instanceof StoreFailure) return error;
  return new StoreFailure(whyOf(error), wordsOf(error), error);
}

function wordsOf(error: unknown): string {
  const code = codeOf(error) ?? "";
  // Node has no message for this code.
  if (code === "EDQUOT") return "the disk quota is used up";
  const text = errorText(error);
  return IS_DAMAGE.test(code) ? `${text}; ${REMEDY}` : text;
}

const IS_DAMAGE = /^SQLITE_(CORRUPT|NOTADB)/;

/** Only an operator can repair that, so the message says how. */
const REMEDY =
  "stop the daemon and copy the data folder, docs/operating.md says how to save what can be read";
