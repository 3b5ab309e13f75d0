/**
 * The command-line tool: every verb that talks to the running daemon. It knows only the admin contract and the path of
 * the Unix socket. The options of the verbs without a daemon are in `own-verbs.ts`; `main.ts` runs them.
 *
 * Exit codes: 0 ok; 1 not found, refused or failed; 2 wrong use or configuration; 3 no daemon answers. Results go to
 * stdout, errors to stderr. Invariants: text from strangers is printed without characters that could control a
 * terminal, in JSON as escapes; tables fit into 80 columns, or into the terminal if it is wider, and are printed in
 * full into a pipe.
 */
import type { Readable, Writable } from "node:stream";
import type { WriteStream } from "node:tty";
import { NO_ROUTE } from "../endpoints/admin/contract.ts";
import { accessAdd, accessList, accessRemove } from "./access.ts";
import {
  FAILED,
  helpText,
  NO_DAEMON,
  OK,
  parseCommand,
  Tool,
  WRONG_USE,
  WrongUse,
  type Command,
} from "./command.ts";
import { health, reload } from "./control.ts";
import { Daemon, NoDaemon, Refused } from "./daemon.ts";
import { doctor } from "./doctor.ts";
import { domainTest } from "./domain-test.ts";
import { domainPause, domainResume } from "./domain-pause.ts";
import { domainAdd, domainChange } from "./domain-edit.ts";
import { domainList, domainRemove, domainShow } from "./domains.ts";
import { explain } from "./explain.ts";
import { drained, isBrokenPipe, outputTrouble, standardOutput, Watch } from "./output.ts";
import { queueBounce, queueDelete, queueFlush, queueHold, queueRelease, queueReroute } from "./queue-act.ts";
import {
  quarantineDelete,
  quarantineList,
  quarantineRelease,
  quarantineShow,
  senderAllow,
  senderForget,
  senderList,
} from "./quarantine.ts";
import { queueExport } from "./queue-export.ts";
import { queueList, queueShow } from "./queue-look.ts";
import {
  recipientsAdd,
  recipientsCheck,
  recipientsList,
  recipientsRemove,
  recipientsReplace,
} from "./recipients.ts";
import { status } from "./status.ts";
import { MIN_COLUMNS, plain, wrap } from "./terminal.ts";
import { tokenAdd, tokenList, tokenRevoke } from "./tokens.ts";
import { trace } from "./trace.ts";
import { trustKit } from "./trust-kit.ts";

interface ToolEnv {
  /** The daemon's Unix socket. */
  readonly socket: string;
  /** The configuration that named the socket; shown if no daemon answers. */
  readonly config?: string;
  /** Another possible cause, shown in that case. */
  readonly hint?: string;
  /**
   * Returns mistakes in that configuration that may lead to the wrong socket. Called only if no daemon answers, because
   * it reads the file again.
   */
  readonly mistakes?: () => readonly string[];
  /** If absent, the process's own streams are used. */
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  readonly stdin?: Readable;
  readonly now?: () => number;
  readonly environment?: NodeJS.ProcessEnv;
}

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ["status", status],
  ["queue list", queueList],
  ["queue show", queueShow],
  ["queue flush", queueFlush],
  ["queue hold", queueHold],
  ["queue release", queueRelease],
  ["queue reroute", queueReroute],
  ["queue bounce", queueBounce],
  ["queue delete", queueDelete],
  ["queue export", queueExport],
  ["quarantine list", quarantineList],
  ["quarantine show", quarantineShow],
  ["quarantine release", quarantineRelease],
  ["quarantine delete", quarantineDelete],
  ["quarantine sender-allow", senderAllow],
  ["quarantine sender-forget", senderForget],
  ["quarantine senders", senderList],
  ["domain list", domainList],
  ["domain show", domainShow],
  ["domain add", domainAdd],
  ["domain change", domainChange],
  ["domain remove", domainRemove],
  ["domain test", domainTest],
  ["domain pause", domainPause],
  ["domain resume", domainResume],
  ["recipients list", recipientsList],
  ["recipients add", recipientsAdd],
  ["recipients remove", recipientsRemove],
  ["recipients replace", recipientsReplace],
  ["recipients check", recipientsCheck],
  ["trace", trace],
  ["explain", explain],
  ["doctor", doctor],
  ["access list", accessList],
  ["access add", accessAdd],
  ["access remove", accessRemove],
  ["trust-kit", trustKit],
  ["reload", reload],
  ["health", health],
  ["token add", tokenAdd],
  ["token list", tokenList],
  ["token revoke", tokenRevoke],
]);

/** Runs one verb; resolves with the exit code, after all output was written. */
export async function runTool(verb: string, args: readonly string[], env: ToolEnv): Promise<number> {
  const stdout = env.stdout ?? standardOutput();
  const stderr = env.stderr ?? process.stderr;
  const full = { ...env, stdout, stderr };
  const watch = new Watch(stdout);
  const code = await dispatch([verb, ...args], full);
  const lost = await watch.end();
  await drained(stderr);
  // A verb that failed has already said why.
  return lost === undefined || code !== OK ? code : complainOf(lost, verb, full);
}

type FullEnv = ToolEnv & { readonly stdout: Writable; readonly stderr: Writable };

async function dispatch(argv: readonly string[], env: FullEnv): Promise<number> {
  const [first = "", second = ""] = argv;
  const path = COMMANDS.has(first) ? first : `${first} ${second}`;
  const command = COMMANDS.get(path);
  if (command === undefined) return overview(first, second, env);
  const args = argv.slice(path === first ? 1 : 2);
  try {
    return await runCommand(path, command, args, env);
  } catch (error) {
    return complainOf(error, path, env);
  }
}

async function runCommand(
  path: string,
  command: Command,
  args: readonly string[],
  env: FullEnv,
): Promise<number> {
  const input = parseCommand(command, args);
  if (input.flag("help")) {
    env.stdout.write(helpText(path, command));
    return OK;
  }
  const tool = new Tool({
    daemon: new Daemon(env.socket),
    stdout: env.stdout,
    stderr: env.stderr,
    stdin: env.stdin ?? process.stdin,
    now: env.now ?? Date.now,
    columns: columnsOf(env),
    json: input.flag("json"),
  });
  return command.run(tool, input);
}

/** Returns the value of COLUMNS, else the width of the terminal. A program that reads the output gets full lines. */
function columnsOf({ stdout, environment = process.env }: FullEnv): number {
  const { isTTY = false, columns = MIN_COLUMNS } = stdout as Partial<WriteStream>;
  return Math.max(MIN_COLUMNS, Number(environment["COLUMNS"]) || (isTTY ? columns : Infinity));
}

/** Column at which the summary of a verb begins. */
const SUMMARY_AT = 6;

/** Answers `holdfast queue --help`, and verbs that do not exist. */
function overview(first: string, second: string, env: FullEnv): number {
  const own = [...COMMANDS].filter(([path]) => path.startsWith(`${first} `));
  const lines = own.map(
    ([path, { words, summary }]) =>
      `  holdfast ${path} ${words}`.trimEnd() +
      `\n      ${wrap(summary, MIN_COLUMNS - SUMMARY_AT, SUMMARY_AT)}\n`,
  );
  if (own.length > 0 && ["--help", "-h", "help"].includes(second)) {
    env.stdout.write(lines.join(""));
    return OK;
  }
  env.stderr.write(`${plain(unknownVerb(first, second, own.length > 0))}\n${lines.join("")}`);
  return WRONG_USE;
}

/** `isGroup`: some verbs begin with `first`; they are listed below the message. */
function unknownVerb(first: string, second: string, isGroup: boolean): string {
  if (first.startsWith("-"))
    return `holdfast: there is no verb ${first}: the verb comes first, then its options; see holdfast --help`;
  if (!isGroup) return `holdfast: there is no verb ${first}; see holdfast --help`;
  if (second === "" || second.startsWith("-")) return `holdfast ${first}: which?`;
  return `holdfast ${first}: there is no verb ${second}; these are:`;
}

function complainOf(error: unknown, path: string, env: FullEnv): number {
  // The program that reads the output, such as `head`, has seen enough.
  if (isBrokenPipe(error)) return OK;
  const complain = (text: string): void => void env.stderr.write(`${plain(text)}\n`);
  if (error instanceof WrongUse) {
    complain(`holdfast ${path}: ${error.message}`);
    complain(`holdfast ${path} --help tells more`);
    return WRONG_USE;
  }
  complain(`holdfast: ${failureText(outputTrouble(error))}`);
  if (error instanceof NoDaemon) {
    for (const line of adviceOf(env)) complain(line);
    return NO_DAEMON;
  }
  const hint = hintOf(error);
  if (hint !== undefined) complain(hint);
  return error instanceof Refused && error.status === 400 ? WRONG_USE : FAILED;
}

function failureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof TypeError
    ? `the daemon's response is not what this tool expects (${error.message})`
    : error.message;
}

function hintOf(error: unknown): string | undefined {
  if (isOfOtherVersion(error))
    return "the daemon may be of another version than this tool; restart it after an upgrade";
  return error instanceof Refused ? error.hint : undefined;
}

/** A daemon of another version may not know a route or a method, or its response may lack what the tool reads. */
function isOfOtherVersion(error: unknown): boolean {
  if (!(error instanceof Refused)) return error instanceof TypeError;
  return error.status === 405 || (error.status === 404 && error.message === NO_ROUTE);
}

/** Returns advice for the case that no daemon answers. */
function adviceOf({ config, hint, mistakes = () => [] }: ToolEnv): readonly string[] {
  const found = mistakes();
  const first = found.length === 0 ? "" : "mend that and ask again; if none runs, ";
  const named = config === undefined ? "" : ` (configuration ${config})`;
  const start = `${first}start it with \`npm start\` or \`systemctl start holdfast\`${named}`;
  return [...found, start, ...(hint === undefined ? [] : [hint])];
}
