/** A verb of the tool: its options, its help, and its work on the given words. */
import { parseArgs } from "node:util";
import type { Readable, Writable } from "node:stream";
import type { Daemon } from "./daemon.ts";
import { complaintOf } from "./parser-words.ts";
import { MIN_COLUMNS, plain, safeJson, table, wrap, type Column } from "./terminal.ts";

/** Exit codes of the tool. */
export const OK = 0;
export const FAILED = 1;
/** Also for a wrong configuration. */
export const WRONG_USE = 2;
export const NO_DAEMON = 3;

/** The given words or options do not fit the verb. */
export class WrongUse extends Error {
  override readonly name = "WrongUse";
}

export interface Option {
  readonly name: string;
  /** One-letter form. */
  readonly short?: string;
  /** Name of the value in the help; if absent, the option is a switch. */
  readonly value?: string;
  readonly multiple?: boolean;
  /** The only permitted values. */
  readonly choices?: readonly string[];
  readonly help: string;
}

export interface Command {
  /** Words after the verb, such as `DOMAIN ADDRESS...`; `[ID]` is optional. */
  readonly words: string;
  readonly summary: string;
  readonly options: readonly Option[];
  readonly example: string;
  /** `false` if the output is mail, which has a format of its own. */
  readonly json?: false;
  run(tool: Tool, input: Input): Promise<number>;
}

/** The given words and options. */
export class Input {
  readonly words: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(words: readonly string[], values: Readonly<Record<string, unknown>>) {
    this.words = words;
    this.#values = values;
  }

  /** Returns the word at this position; parsing has checked that required ones are there. */
  word(place: number): string {
    return this.words[place] ?? "";
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? (value as string[]) : [];
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** Returns a whole number of at most nine digits; throws WrongUse. */
  number(name: string, otherwise: number): number {
    const text = this.text(name);
    if (text === undefined) return otherwise;
    if (!/^[1-9]\d{0,8}$/.test(text))
      throw new WrongUse(`--${name} takes a whole number from 1 to 999999999, not ${text}`);
    return Number(text);
  }
}

const JSON_OPTION: Option = { name: "json", help: "print JSON" };
const HELP: Option = { name: "help", short: "h", help: "print this" };

function commonTo({ json }: Command): readonly Option[] {
  return json === false ? [HELP] : [JSON_OPTION, HELP];
}

/** Parses the words and options; throws WrongUse. */
export function parseCommand(command: Command, args: readonly string[]): Input {
  const options = Object.fromEntries(
    [...command.options, ...commonTo(command)].map(({ name, value, multiple = false, short }) => [
      name,
      {
        type: value === undefined ? ("boolean" as const) : ("string" as const),
        multiple,
        ...(short !== undefined && { short }),
      },
    ]),
  );
  try {
    const { values, positionals, tokens } = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
      tokens: true,
    });
    const input = new Input(positionals, values);
    if (!input.flag("help")) {
      checkWords(command, positionals);
      checkTimes(
        command,
        tokens.flatMap((token) => (token.kind === "option" ? token.name : [])),
      );
      checkChoices(command, input);
      checkFiles(command, input);
    }
    return input;
  } catch (error) {
    throw error instanceof WrongUse ? error : new WrongUse(complaintOf(error));
  }
}

function checkWords({ words }: Command, given: readonly string[]): void {
  const names = words.split(" ").filter((word) => word !== "");
  const least = names.filter((name) => !name.startsWith("[")).length;
  const most = words.includes("...") ? Infinity : names.length;
  if (given.length < least) throw new WrongUse(`${names.slice(given.length, least).join(" ")} is missing`);
  if (given.length > most)
    throw new WrongUse(most === 0 ? "takes no words, only options" : `too many words; it takes ${words}`);
  // An empty word is usually a shell variable that was never set.
  const empty = given.indexOf("");
  if (empty !== -1) throw new WrongUse(`${(names[empty] ?? names.at(-1))?.replace(/[[\].]/g, "")} is empty`);
}

/** Node.js would ignore all values of an option except the last, but `--domain a --domain b` means both. */
function checkTimes({ options }: Command, given: readonly string[]): void {
  for (const { name, value, multiple = false } of options) {
    const times = given.filter((each) => each === name).length;
    if (value === undefined || multiple || times < 2) continue;
    throw new WrongUse(`--${name} is given ${times} times; it takes one value`);
  }
}

function checkChoices({ options }: Command, input: Input): void {
  for (const { name, choices } of options) {
    const given = input.text(name);
    if (choices === undefined || given === undefined || choices.includes(given)) continue;
    throw new WrongUse(`--${name} takes ${choices.join(", ")}; not ${given}`);
  }
}

/** An empty FILE is usually a shell variable that was never set. */
function checkFiles({ options }: Command, input: Input): void {
  const empty = options.find(({ name, value }) => value === "FILE" && input.text(name) === "");
  if (empty !== undefined) throw new WrongUse(`--${empty.name} is empty`);
}

/** Removed from the words before they reach a verb; listed here for the help. */
const CONFIG: Option = {
  name: "config",
  value: "FILE",
  help: "default ./config/holdfast.yaml, or HOLDFAST_CONFIG",
};

/** Column at which the help of options begins. */
const HELP_AT = 26;

export function helpText(path: string, command: Command): string {
  const lines = [...command.options, CONFIG, ...commonTo(command)].map(
    ({ name, value, help }) =>
      `  ${`--${name}${value === undefined ? "" : ` ${value}`}`.padEnd(24)}${wrap(help, MIN_COLUMNS - HELP_AT, HELP_AT)}\n`,
  );
  const words = command.words === "" ? "" : ` ${command.words}`;
  return `holdfast ${path}${words} [options]\n\n${wrap(command.summary, MIN_COLUMNS, 0)}\n\n${lines.join("")}\nExample: ${command.example}\n`;
}

interface ToolParts {
  readonly daemon: Daemon;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly stdin: Readable;
  readonly now: () => number;
  readonly columns: number;
  readonly json: boolean;
}

/** Characters of JSON that are written in one piece. */
const CHUNK = 65_536;

/** What a command works with: the daemon and the streams. */
export class Tool {
  readonly daemon: Daemon;
  readonly stdout: Writable;
  readonly stdin: Readable;
  readonly now: number;
  readonly columns: number;
  readonly #stderr: Writable;
  readonly #json: boolean;

  constructor({ daemon, stdout, stderr, stdin, now, columns, json }: ToolParts) {
    this.daemon = daemon;
    this.stdout = stdout;
    this.stdin = stdin;
    this.now = now();
    this.columns = columns;
    this.#stderr = stderr;
    this.#json = json;
  }

  /** Prints the value as JSON if --json was given, else the text. */
  print(value: object, text: () => string): void {
    if (!this.#json) return void this.stdout.write(text());
    let chunk = "";
    for (const piece of safeJson(value)) {
      chunk += piece;
      if (chunk.length < CHUNK) continue;
      this.stdout.write(chunk);
      chunk = "";
    }
    this.stdout.write(`${chunk}\n`);
  }

  table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
    return table(columns, rows, this.columns);
  }

  /** Prints one line on stderr. */
  complain(text: string): void {
    this.#stderr.write(`${plain(text)}\n`);
  }
}
