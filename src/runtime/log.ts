/** Operator's log: short event names and plain fields. Where the lines go is decided by who made the logger. */
export interface Logger {
  error(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  debug(message: string, fields?: Fields): void;
}

export type Fields = Readonly<Record<string, unknown>>;

export type LogLevel = "error" | "warn" | "info" | "debug";

/** A logger that passes each line to `write`, for threads that have no file of their own. */
export function loggerTo(write: (level: LogLevel, message: string, fields: Fields) => void): Logger {
  return {
    error: (message, fields = {}) => write("error", message, fields),
    warn: (message, fields = {}) => write("warn", message, fields),
    info: (message, fields = {}) => write("info", message, fields),
    debug: (message, fields = {}) => write("debug", message, fields),
  };
}

/** What is known of a thrown value, for a log line; never for a peer. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
