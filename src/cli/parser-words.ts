/** Translates the messages of Node.js about the given words. */

/** Explains an error of `parseArgs`: which option, what is wrong, what would be right. */
export function complaintOf(error: unknown): string {
  const { message } = error as Error;
  const option = /'(?:-\w, )?(-[^\s']+)/.exec(message)?.[1] ?? "";
  switch ((error as NodeJS.ErrnoException).code) {
    case "ERR_PARSE_ARGS_UNKNOWN_OPTION":
      return `there is no option ${option}`;
    case "ERR_PARSE_ARGS_INVALID_OPTION_VALUE":
      if (message.includes("does not take")) return `${option} takes no value`;
      if (!message.includes("ambiguous")) return `${option} needs a value`;
      return `${option} needs a value; one that begins with - is written ${option}=-VALUE`;
    default:
      return message.split(/\.\s/)[0] ?? message;
  }
}
