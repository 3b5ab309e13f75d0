/** The programs that the bench compares, each as a backup MX for example.test with its primary on one local port. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { Postfix } from "../test/peers/postfix.ts";
import { peerMissing, postfixVersion } from "../test/peers/peers.ts";
import { Daemon, type DaemonPlan } from "../test/support/daemon.ts";
import { waitFor } from "../test/support/wait.ts";

export interface Contestant {
  readonly name: string;
  readonly version: string;
  /** Why it cannot run here; empty when it can. */
  missing(): string;
  start(place: Place): Promise<Running>;
}

/** Where a run happens. */
export interface Place {
  /** Folder for queue and configuration, on the disk that is measured. */
  readonly folder: string;
  readonly smtpPort: number;
  readonly primaryPort: number;
  /** Most connections to the primary; absent: as the settings say. */
  readonly connections?: number;
  /** Handed over at once, the primary is up. */
  readonly reflector?: boolean;
  /** SMTP threads of Holdfast; absent: its default. */
  readonly threads?: number;
  /** Variables that all its processes get. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Running {
  readonly smtpPort: number;
  /** All its processes. */
  pids(): Promise<readonly number[]>;
  /** Mails in its queue, by its own word or by its files. */
  queued(): Promise<number>;
  /** Resolves when the outage is an old one: nothing is in a first attempt any more. */
  settled(): Promise<void>;
  /** What an impatient operator would do every two seconds when the primary is back; Holdfast needs nothing. */
  nudge(): Promise<void>;
  stop(): Promise<void>;
}

export const DOMAIN = "example.test";
export const RECIPIENT = `user1@${DOMAIN}`;

const USERS = Array.from({ length: 10_000 }, (_, n) => `user${n + 1}`);
const ROOT = join(import.meta.dirname, "..");

export const holdfast: Contestant = {
  name: "Holdfast",
  version: holdfastVersion(),
  missing: () => "",
  start: async (place) => {
    const daemon = await Daemon.start(daemonPlan(place));
    return {
      smtpPort: daemon.smtpPort,
      pids: () => Promise.resolve([daemon.pid]),
      queued: () => daemon.held(),
      settled: () => Promise.resolve(),
      nudge: () => Promise.resolve(),
      stop: async () => {
        await daemon.stop();
        await daemon[Symbol.asyncDispose]();
      },
    };
  },
};

/** The daemon that every line of the bench measures. */
export function daemonPlan(place: Place): DaemonPlan {
  const { folder, smtpPort, primaryPort, connections, threads, environment } = place;
  return {
    folder: join(folder, "holdfast"),
    smtpPort,
    primaryPort,
    domain: DOMAIN,
    domainSettings: { recipients: USERS, ...(place.reflector === true && { mode: "reflector" }) },
    // A file, as Postfix has: a pipe would have to be read by these same processors.
    settings: {
      log: { file: join(folder, "holdfast", "holdfast.log") },
      ...(connections !== undefined && { delivery: { connections } }),
    },
    ...(threads !== undefined && { smtp: { threads } }),
    ...(environment !== undefined && { environment }),
  };
}

export const tunedPostfix: Contestant = postfixContestant("Postfix, tuned", (settings) => settings);

export const debianPostfix: Contestant = postfixContestant("Postfix, Debian's defaults", (settings) =>
  settings.slice(0, settings.indexOf("# --- tuned ---")),
);

function postfixContestant(name: string, choose: (settings: string[]) => string[]): Contestant {
  return {
    name,
    version: postfixVersion(),
    missing: () => peerMissing("postfix"),
    start: async ({ folder, smtpPort, primaryPort, connections, environment = {} }) => {
      const limits = ["default_destination_concurrency_limit", "initial_destination_concurrency"].map(
        (key) => `${key} = ${connections}`,
      );
      const settings = readFileSync(join(import.meta.dirname, "postfix.cf"), "utf8").split("\n");
      const postfix = await Postfix.start({
        port: smtpPort,
        parent: folder,
        settings: [
          ...choose(settings),
          ...(connections === undefined ? [] : limits),
          // What its master process passes on: the usual ones, then ours.
          ["import_environment = MAIL_CONFIG TZ LANG=C", ...assignments(environment)].join(" "),
        ],
        tables: {
          relay_recipients: USERS.map((user) => `${user}@${DOMAIN} x`),
          transport: [`${DOMAIN} smtp:[127.0.0.1]:${primaryPort}`],
        },
      });
      return {
        smtpPort,
        pids: async () => processesIn(postfix.folder),
        queued: () => postfix.queued(),
        settled: () =>
          waitFor({ what: "all mail is deferred", deadline: 120_000, every: 100 }, async () => {
            return (await postfix.queued(["incoming", "active"])) === 0;
          }).then(() => {}),
        nudge: () => postfix.flush(),
        stop: () => postfix[Symbol.asyncDispose](),
      };
    },
  };
}

function assignments(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

/** Processes whose working folder is below this one, as that of each of Postfix' daemons is. */
function processesIn(folder: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      return readlinkSync(`/proc/${name}/cwd`).startsWith(folder) ? [Number(name)] : [];
    } catch {
      // No process, or one that has just ended.
      return [];
    }
  });
}

function holdfastVersion(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  try {
    const commit = execFileSync("git", ["-C", ROOT, "rev-parse", "--short", "HEAD"], {
      encoding: "utf8",
    }).trim();
    return `${version} (${commit})`;
  } catch {
    return version;
  }
}
