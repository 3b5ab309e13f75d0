/** The system's limit on threads, and the message for a limit that is too low. */
import { ownLimit } from "./own-limits.ts";

/** Threads besides the SMTP threads: the daemon's own and those of Node.js. */
const THREADS = 14;
/**
 * Number that operators are told to allow; the database check and alert commands are temporary processes that count,
 * too.
 */
const ENOUGH = 64;

/** The limit is too low for a daemon, or used up. */
export class TooFewThreads extends Error {
  override readonly name = "TooFewThreads";

  constructor(what: string) {
    super(
      `${what}; allow ${ENOUGH} more than the other programs of this user need: ulimit -u in a shell, LimitNPROC and ` +
        "TasksMax in the systemd unit, --pids-limit for Docker",
    );
  }
}

/** Throws TooFewThreads if Node.js itself would otherwise abort the process in the middle of its start. */
export function requireThreads(
  smtpThreads: number,
  limit: number | undefined = process.getuid?.() === 0 ? undefined : ownLimit("processes"),
): void {
  const needed = THREADS + smtpThreads;
  if (limit !== undefined && limit < needed)
    throw new TooFewThreads(
      `this user may have ${limit} processes and threads (ulimit -u), and the daemon alone has ${needed}`,
    );
}

/** Converts the error of a thread that was not created: if the cause is the system's limit, to TooFewThreads. */
export function explainNoThread(name: string, error: unknown): unknown {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const isLimit = code === "ERR_WORKER_INIT_FAILED" && /EAGAIN/.test(String(message));
  if (!isLimit) return error;
  return new TooFewThreads(`the ${name} thread could not be made: the system allows no further one`);
}
