/** The verbs that need no running daemon: their words and options, and their `--help`. */
import { parseArgs } from "node:util";
import { complaintOf } from "./parser-words.ts";

interface OwnVerb {
  /** Words after the verb; `[FILE]` is optional. */
  readonly words: "" | "[FILE]";
  readonly summary: string;
  readonly json?: true;
  /** The verb uses no configuration. */
  readonly alone?: true;
}

const OWN: Readonly<Record<string, OwnVerb>> = {
  serve: {
    words: "",
    summary: "Runs the daemon until SIGTERM or SIGINT; SIGHUP reads the configuration again.",
  },
  "check-config": {
    words: "[FILE]",
    summary: "Checks a configuration and lists its mistakes; with any, the exit code is 2.",
    json: true,
  },
  demo: {
    words: "",
    summary: "Shows step by step: primary down, mail held, primary back. Under 20 seconds.",
    alone: true,
  },
  version: { words: "", summary: "Prints the version.", json: true, alone: true },
};

/**
 * The given words. `end` is set if there is nothing more to do: its text goes to stdout with exit code 0, to stderr
 * with 2.
 */
type OwnWords =
  | { readonly file: string | undefined; readonly json: boolean }
  | { readonly end: 0 | 2; readonly text: string };

/** Parses the words of such a verb; returns undefined if the verb is one of the tool's. */
export function ownWords(verb: string, args: readonly string[]): OwnWords | undefined {
  const own = Object.hasOwn(OWN, verb) ? OWN[verb] : undefined;
  if (own === undefined) return undefined;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        ...(own.json && { json: { type: "boolean" } }),
      },
      allowPositionals: true,
    });
    if (values.help === true) return { end: 0, text: helpText(verb, own) };
    if (positionals.length > (own.words === "" ? 0 : 1))
      return wrong(
        verb,
        own.words === "" ? "takes no words, only options" : `too many words; it takes ${own.words}`,
      );
    return { file: positionals[0], json: "json" in values };
  } catch (error) {
    return wrong(verb, complaintOf(error));
  }
}

function wrong(verb: string, what: string): OwnWords {
  return { end: 2, text: `holdfast ${verb}: ${what}\nholdfast ${verb} --help tells more\n` };
}

function helpText(verb: string, { words, summary, json, alone }: OwnVerb): string {
  const options = [
    ...(alone ? [] : ["  --config FILE           default ./config/holdfast.yaml, or HOLDFAST_CONFIG"]),
    ...(json ? ["  --json                  print JSON"] : []),
    "  --help                  print this",
  ];
  const usage = ["holdfast", verb, ...(words === "" ? [] : [words]), "[options]"].join(" ");
  return `${usage}\n\n${summary}\n\n${options.join("\n")}\n`;
}
