/**
 * The real daemon as a child process: the launcher, a configuration file, the admin socket; nothing from inside.
 * It can be killed without a warning and started again on the same folder, as after a crash.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AdminClient } from "./admin-client.ts";
import { freePort } from "./free-port.ts";
import { LAUNCHER } from "./holdfast-process.ts";
import { Tail } from "./tail.ts";
import { waitFor } from "./wait.ts";

/** A start takes a second; on a machine that does much else it has taken more than 20. */
const READY_DEADLINE = 60_000;
/** Milliseconds. */
const STOP_DEADLINE = 70_000;
/** Octets of output that are kept. */
const KEPT_OUTPUT = 2 ** 20;

export interface DaemonPlan {
  /** Holds the configuration and, below `data`, the queue. */
  readonly folder: string;
  /** Free ones are taken where absent. */
  readonly smtpPort?: number;
  readonly adminPort?: number;
  readonly primaryPort: number;
  readonly domain?: string;
  /** Keys of a domain: recipients, mode, unknownDuringOutage, ... */
  readonly domainSettings?: Readonly<Record<string, unknown>>;
  /** Top-level keys of the configuration, beside or instead of the usual ones. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Variables of its environment beside ours. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Most files that it may open: `ulimit -n`. */
  readonly files?: number;
  /** Keys of `smtp` beside the usual ones. */
  readonly smtp?: Readonly<Record<string, unknown>>;
  /** What is run instead of the launcher, with a line for messages; each process is shown as it starts. */
  readonly host?: { readonly script: string; readonly started: (child: ChildProcess) => void };
}

export class Daemon extends AdminClient implements AsyncDisposable {
  readonly config: string;
  readonly smtpPort: number;
  readonly adminPort: number;
  #child: ChildProcess | undefined;
  #ended: Promise<number | null> = Promise.resolve(null);
  readonly #output = new Tail(KEPT_OUTPUT);
  readonly #environment: Readonly<Record<string, string>>;
  readonly #command: readonly string[];
  readonly #host: DaemonPlan["host"];
  readonly #atExit = (): void => void this.#child?.kill("SIGKILL");

  private constructor(plan: DaemonPlan, config: string, ports: Ports) {
    super(join(plan.folder, "data", "admin.sock"));
    this.config = config;
    this.#environment = plan.environment ?? {};
    this.#host = plan.host;
    const script = plan.host?.script ?? LAUNCHER;
    this.#command = [...limitedTo(plan.files), process.execPath, script, "serve", "--config", this.config];
    this.smtpPort = ports.smtp;
    this.adminPort = ports.admin;
  }

  /** Writes the configuration and starts; resolves when the daemon accepts mail. */
  static async start(plan: DaemonPlan): Promise<Daemon> {
    const { file, ports } = await writeConfig(plan);
    const daemon = new Daemon(plan, file, ports);
    process.once("exit", daemon.#atExit);
    await daemon.restart();
    return daemon;
  }

  /** Starts it again after a stop or a kill; answers the milliseconds until it accepted mail, or lived. */
  async restart(until: "accepts" | "lives" = "accepts"): Promise<number> {
    const begin = performance.now();
    const [program = "", ...words] = this.#command;
    const child = spawn(program, words, {
      stdio: ["ignore", "pipe", "pipe", ...(this.#host === undefined ? [] : ["ipc" as const])],
      env: { ...process.env, ...this.#environment },
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once("close", resolve);
      // It could not even be started: nothing is closed then.
      child.once("error", (error) => {
        this.#output.add(Buffer.from(`${error.message}\n`));
        resolve(null);
      });
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (piece: Buffer) => this.#output.add(piece));
    this.#host?.started(child);
    await waitFor({ what: "the daemon is ready", deadline: READY_DEADLINE, every: 10 }, () =>
      this.#is(until, child),
    ).catch(async (error: unknown) => {
      await this.kill();
      throw new Error(`${String(error)}\n${this.output().slice(-4000)}`);
    });
    return performance.now() - begin;
  }

  get pid(): number {
    const { pid } = this.#child ?? {};
    // A signal to process 0 would be one to all tests that run.
    if (pid === undefined) throw new Error("the daemon does not run");
    return pid;
  }

  /** Resolves with the exit code when it has ended, null after a signal. */
  get ended(): Promise<number | null> {
    return this.#ended;
  }

  /** What it wrote to stdout and stderr, the last million octets. */
  output(): string {
    return this.#output.text();
  }

  /** kill -9; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }

  /** SIGTERM; answers the exit code. */
  async stop(): Promise<number | null> {
    this.#child?.kill("SIGTERM");
    const late = setTimeout(() => this.#child?.kill("SIGKILL"), STOP_DEADLINE);
    const code = await this.#ended;
    clearTimeout(late);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.removeListener("exit", this.#atExit);
    await this.kill();
  }

  async #is(state: "accepts" | "lives", child: ChildProcess): Promise<boolean> {
    if (child.pid === undefined) throw new Error("the daemon could not be started");
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the daemon ended with ${child.exitCode ?? child.signalCode}`);
    return state === "accepts" ? this.isReady() : this.isAlive();
  }
}

/** The shell becomes the program, so that its pid is the daemon's. */
function limitedTo(files: number | undefined): readonly string[] {
  return files === undefined ? [] : ["sh", "-c", `ulimit -n ${files}; exec "$@"`, "sh"];
}

interface Ports {
  readonly smtp: number;
  readonly admin: number;
}

/** Writes the configuration of a test daemon into its folder. */
export async function writeConfig(
  plan: DaemonPlan,
): Promise<{ readonly file: string; readonly ports: Ports }> {
  const ports = { smtp: plan.smtpPort ?? (await freePort()), admin: plan.adminPort ?? (await freePort()) };
  const file = join(plan.folder, "holdfast.yaml");
  await mkdir(plan.folder, { recursive: true });
  // JSON is YAML.
  await writeFile(file, JSON.stringify(daemonSettings(plan, ports), undefined, 2));
  return { file, ports };
}

/** The configuration of a test daemon. */
export function daemonSettings(plan: DaemonPlan, ports: Ports): Record<string, unknown> {
  return {
    hostname: "mx2.holdfast.test",
    storage: `sqlite:${join(plan.folder, "data")}`,
    smtp: {
      listen: [`127.0.0.1:${ports.smtp}`],
      // All load comes from one address.
      limits: { connectionsPerClient: 10_000, mailsPerConnection: 1_000_000 },
      ...plan.smtp,
    },
    admin: { listen: `127.0.0.1:${ports.admin}` },
    // Nobody is asked: the port of a name server that refuses.
    dns: { servers: ["127.0.0.1:9"] },
    domains: {
      [plan.domain ?? "example.test"]: {
        mode: "backup",
        primary: { host: "127.0.0.1", port: plan.primaryPort, tls: "none" },
        recipients: { catchAll: true },
        ...plan.domainSettings,
      },
    },
    ...plan.settings,
  };
}
