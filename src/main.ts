/**
 * Runs the verb of the command line. `serve` is the daemon, `demo` plays a scenario with a daemon of its own,
 * `check-config` reads a file; every other verb is the tool, which talks to the running daemon over the Unix socket of
 * the same configuration. Each verb loads only what it needs: the tool must be quick, and the daemon does not load the
 * tool.
 */
import { ownWords } from "./cli/own-verbs.ts";
import { VERSION } from "./runtime/version.ts";
import { complain, WRONG_USE } from "./verbs/wrong-use.ts";

const USAGE = `holdfast: a backup MX and mail reflector

  holdfast serve                   run the daemon
  holdfast demo                    a primary goes down and returns, step by step
  holdfast check-config [FILE]     check a configuration
  holdfast status                  the state of everything at a glance
  holdfast health [--ready]        exit code 0 if the daemon is alive, or
                                   (--ready) accepts mail
  holdfast queue list|show|flush|hold|release|bounce|delete|export|reroute
  holdfast domain list|show|add|change|remove|pause|resume|test
  holdfast recipients list|add|remove|replace|check
  holdfast trace ABOUT             where is my mail? an id, an address or a
                                   Message-ID
  holdfast trace --ledger [--csv]  what became of every mail, with its hash and
                                   the primary's final reply
  holdfast explain --ip A --helo N --from A --rcpt A
                                   which reply a client would get, and the
                                   result of each check
  holdfast access list|add|remove  who is allowed or blocked, in force at once
  holdfast quarantine list|show|release|delete
  holdfast quarantine senders|sender-allow|sender-forget
  holdfast doctor [DOMAIN...]      can senders find this server, and can it find
                                   the primaries? queries the DNS
  holdfast trust-kit DOMAIN        what to set on the primary
  holdfast reload                  read the configuration again
  holdfast token add|list|revoke   access to the admin API over TCP
  holdfast version

Every verb has --help; verbs that print a result have --json. The configuration
file, which also says how to reach the daemon, is --config FILE, or
HOLDFAST_CONFIG, or ./config/holdfast.yaml.
`;

async function main(argv: readonly string[]): Promise<number> {
  const { file, rest } = takeConfigOption(argv);
  const [verb, ...args] = rest;
  if (file === "") return complain("holdfast: --config needs a FILE\n");
  const own = ownWords(verb ?? "", args);
  if (own !== undefined && "end" in own) {
    if (own.end !== 0) return complain(own.text);
    return say(own.text);
  }
  switch (verb) {
    case undefined:
    case "help":
    case "--help":
    case "-h":
      say(USAGE);
      return verb === undefined ? WRONG_USE : 0;
    case "version":
    case "--version":
      return say(own?.json ? `${JSON.stringify({ version: VERSION })}\n` : `holdfast ${VERSION}\n`);
    case "serve":
      // Does not wait for an alert command that is still running.
      return process.exit(await (await import("./verbs/serve.ts")).serve(file));
    case "check-config":
      process.stdout.on("error", endOutput);
      return (await import("./verbs/check-config.ts")).checkConfig(own?.file ?? file, own?.json ?? false);
    case "demo":
      return (await import("./demo/demo.ts")).runDemo();
    default:
      return (await import("./verbs/ask-daemon.ts")).askDaemon(verb, args, file);
  }
}

function say(text: string): 0 {
  process.stdout.on("error", endOutput);
  process.stdout.write(text);
  return 0;
}

/** A reader that goes away early, such as `head`, is no failure; a full disk is. */
function endOutput(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") return;
  process.stderr.write(`holdfast: cannot write the output: ${error.message}\n`);
  process.exit(1);
}

/** Removes `--config FILE`, which may stand anywhere. An empty `file` means that FILE is missing. */
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

process.exitCode = await main(process.argv.slice(2));
if (process.exitCode !== 0) process.exit();
