/** The operator's log: short event names and plain fields. The maker of a logger decides where the lines go. */
export interface Logger {
  error(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  debug(message: string, fields?: Fields): void;
}

export type Fields = Readonly<Record<string, unknown>>;

export type LogLevel = "error" | "warn" | "info" | "debug";

/** Makes a logger that passes each line to `write`, for threads that have no log file of their own. */
export function loggerTo(write: (level: LogLevel, message: string, fields: Fields) => void): Logger {
  return {
    error: (message, fields = {}) => write("error", message, fields),
    warn: (message, fields = {}) => write("warn", message, fields),
    info: (message, fields = {}) => write("info", message, fields),
    debug: (message, fields = {}) => write("debug", message, fields),
  };
}

/** Describes a thrown value for a log line; never shown to a peer. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
