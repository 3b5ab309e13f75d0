/**
 * The verbs. `serve` is the daemon, `demo` a daemon that tells a story, `check-config` reads a file; every other
 * verb is the tool, which talks to the running daemon over the Unix socket of the same configuration. Each verb
 * loads what it needs and no more: the tool must be quick, and the daemon does not carry the tool.
 */
import { existsSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import type { Daemon } from "./app.ts";
import type { Config } from "./config/config.ts";
import { ownWords } from "./cli/own-verbs.ts";
import { errorText } from "./runtime/log.ts";
import { counted } from "./runtime/quantities.ts";
import { VERSION } from "./runtime/version.ts";

const USAGE = `holdfast: a backup MX and mail reflector

  holdfast serve                     run the daemon
  holdfast demo                      primary down, mail held, primary back, told step by step
  holdfast check-config [FILE]       read a configuration and say what is wrong with it
  holdfast status                    one look at everything
  holdfast health [--ready]          exit code 0 when the daemon is alive, or accepts mail
  holdfast queue list|show|flush|hold|release|bounce|delete|export|reroute
  holdfast domain list|show|add|change|remove|pause|resume|test
  holdfast recipients list|add|remove|replace|check
  holdfast trace ABOUT               where is my mail? an id, an address or a Message-ID
  holdfast trace --ledger [--csv]    what became of every mail, with hash and the primary's final words
  holdfast explain --ip A --helo N --from A --rcpt A
                                     what a client would be told, and which check says what
  holdfast access list|add|remove    who is allowed or blocked, in force at once
  holdfast quarantine list|show|release|delete|sender-allow|sender-forget|senders
  holdfast doctor [DOMAIN...]        do senders find this server, and it the primaries? asks the DNS
  holdfast trust-kit DOMAIN          what to set on the primary
  holdfast reload                    read the configuration again
  holdfast token add|list|revoke     access to the admin API over TCP
  holdfast version

Every verb has --help; those that answer take --json. The configuration, and through it the
daemon, is --config FILE, or HOLDFAST_CONFIG, or ./config/holdfast.yaml.
`;

/** Exit codes: 0 ok, 1 failed, 2 wrong use or wrong configuration, 3 no daemon. */
const WRONG_USE = 2;

/** Where the daemon of an unreadable configuration most likely is. */
const DEFAULT_SOCKET = resolve("data/admin.sock");

async function main(argv: readonly string[]): Promise<number> {
  const { file, rest } = takeConfigOption(argv);
  const [verb, ...args] = rest;
  if (file === "") return complain("holdfast: --config needs a FILE\n");
  const own = ownWords(verb ?? "", args);
  if (own !== undefined && "end" in own) {
    if (own.end !== 0) return complain(own.text);
    process.stdout.write(own.text);
    return 0;
  }
  switch (verb) {
    case undefined:
    case "help":
    case "--help":
    case "-h":
      process.stdout.write(USAGE);
      return verb === undefined ? WRONG_USE : 0;
    case "version":
    case "--version":
      process.stdout.write(own?.json ? `${JSON.stringify({ version: VERSION })}\n` : `holdfast ${VERSION}\n`);
      return 0;
    case "serve":
      return serve(file);
    case "check-config":
      return checkConfig(own?.file ?? file, own?.json ?? false);
    case "demo":
      return (await import("./demo/demo.ts")).runDemo();
    default:
      return tool(verb, args, file);
  }
}

function complain(text: string): number {
  process.stderr.write(text);
  return WRONG_USE;
}

/** A verb for the daemon of this configuration, and never for another one. */
async function tool(verb: string, args: readonly string[], file: string | undefined): Promise<number> {
  const [{ runTool }, { adminSocket, configPath }] = await Promise.all([
    import("./cli/cli.ts"),
    import("./config/config.ts"),
  ]);
  const config = configPath(file);
  const socket = adminSocket(config) ?? (config === configPath(undefined, {}) ? DEFAULT_SOCKET : undefined);
  if (socket !== undefined) return runTool(verb, args, { socket, config, ...astray(socket, config) });
  const why = existsSync(config) ? "its `storage` cannot be read" : "it does not exist";
  return complain(`holdfast: ${config} does not say where its daemon is: ${why}; check the path\n`);
}

/** The socket was looked for where the command runs, and the configuration lies elsewhere: `storage` is relative. */
function astray(socket: string, config: string): { hint?: string } {
  const here = join(process.cwd(), sep);
  if (!socket.startsWith(here) || config.startsWith(here)) return {};
  return {
    hint: "a relative `storage` begins in the folder where a command runs; write a whole path, or run this where the daemon was started",
  };
}

/** `--config FILE` may stand anywhere; an empty text stands for one that is missing. */
function takeConfigOption(argv: readonly string[]): { file: string | undefined; rest: string[] } {
  const rest: string[] = [];
  let file: string | undefined;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    if (word === "--config") file = argv[++i] ?? "";
    else if (word.startsWith("--config=")) file = word.slice("--config=".length);
    else rest.push(word);
  }
  return { file, rest };
}

async function checkConfig(path: string | undefined, json: boolean): Promise<number> {
  if (json) return checkAsJson(path);
  const config = await readConfig(path);
  if (config === undefined) return WRONG_USE;
  const told = config.notices.route.kind === "off" ? "; senders are told nothing (notices.route is off)" : "";
  process.stdout.write(`${path ?? config.file}: ok, ${counted(config.domains.length, "domain")}${told}\n`);
  const { certificateLine, readTls } = await import("./adapters/tls/tls.ts");
  for (const files of config.smtp.tls ?? [])
    process.stdout.write(`${certificateLine(files, await readTls(files), Date.now())}\n`);
  return 0;
}

/** The same words as those of `reload --json`. */
async function checkAsJson(path: string | undefined): Promise<number> {
  const { configPath, formatProblem, loadConfig } = await import("./config/config.ts");
  const loaded = loadConfig(configPath(path));
  const told = loaded.ok
    ? { ok: true, domains: loaded.config.domains.length, warnings: loaded.warnings.map(formatProblem) }
    : { ok: false, problems: loaded.problems.map(formatProblem) };
  process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
  return loaded.ok ? 0 : WRONG_USE;
}

/** The configuration, or undefined after its problems were printed. */
async function readConfig(path: string | undefined): Promise<Config | undefined> {
  const { configPath, formatProblem, loadConfig } = await import("./config/config.ts");
  const loaded = loadConfig(configPath(path));
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  return loaded.ok ? loaded.config : undefined;
}

async function serve(path: string | undefined): Promise<number> {
  let daemon: Daemon | undefined;
  process.on("SIGHUP", () => void daemon?.reload().catch(complainOf("the configuration was not reloaded")));
  const config = await readConfig(path);
  if (config === undefined) return WRONG_USE;
  const { startDaemon } = await import("./app.ts");
  try {
    daemon = await startDaemon(config);
  } catch (error) {
    process.stderr.write(`holdfast: ${troubleText(error)}\n`);
    // An exit in order would wait for that thread, for as long as a dead disk keeps it.
    if ((error as { readonly stuck?: unknown }).stuck === true) process.kill(process.pid, "SIGKILL");
    return 1;
  }
  const started = daemon;
  const stopped = Promise.withResolvers<number>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      process.once("SIGTERM", () => process.exit(1));
      process.once("SIGINT", () => process.exit(1));
      started.stop().then(
        () => stopped.resolve(0),
        (error: unknown) => {
          complainOf("it did not stop in good order")(error);
          stopped.resolve(1);
        },
      );
    });
  }
  void started.broken.then(() => stopped.resolve(1));
  return stopped.promise;
}

function complainOf(what: string): (error: unknown) => void {
  return (error) => void process.stderr.write(`holdfast: ${what}: ${troubleText(error)}\n`);
}

/** What an operator can act on has a plain message; only a bug shows its stack. */
function troubleText(error: unknown): string {
  const expected = error instanceof Error && error.name !== "Error" && error.name !== "TypeError";
  return expected || !(error instanceof Error) ? errorText(error) : (error.stack ?? error.message);
}

process.exitCode = await main(process.argv.slice(2));
if (process.exitCode !== 0) process.exit();
