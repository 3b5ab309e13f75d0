/**
 * The house, as data: who may import whom, which door a room has, which folder owns which npm package, how large
 * things may grow. A new room or package is one line here. Paths are relative to src/.
 */

/** The top-level folder of a file; `root` is a file directly in src/: one names the verbs, one builds the daemon. */
export type Storey =
  | "root"
  | "launch"
  | "verbs"
  | "demo"
  | "daemon"
  | "threads"
  | "config"
  | "cli"
  | "endpoints"
  | "services"
  | "adapters"
  | "ports"
  | "mail"
  | "runtime";

/** The storeys below, which a file may import besides its own room. */
export const BELOW: Readonly<Record<Storey, readonly Storey[]>> = {
  root: [
    "root",
    "launch",
    "verbs",
    "demo",
    "daemon",
    "threads",
    "config",
    "cli",
    "endpoints",
    "services",
    "adapters",
    "ports",
    "mail",
    "runtime",
  ],
  launch: ["verbs", "demo", "threads"],
  verbs: ["config", "cli", "adapters", "runtime"],
  demo: ["config", "cli", "runtime"],
  daemon: ["threads", "config", "endpoints", "services", "adapters", "ports", "mail", "runtime"],
  threads: ["config", "endpoints", "services", "adapters", "ports", "mail", "runtime"],
  config: ["ports", "mail", "runtime"],
  cli: [],
  endpoints: ["services", "ports", "mail", "runtime"],
  services: ["ports", "mail", "runtime"],
  adapters: ["ports", "mail", "runtime"],
  ports: ["mail"],
  mail: [],
  runtime: [],
};

/** Rooms that may import the doors of other rooms of their own storey. */
export const SIDEWAYS: Readonly<Record<string, readonly string[]>> = {
  "services/health": ["services/directory"],
  "services/doctor": ["services/directory"],
  "services/recipients": ["services/directory", "services/health"],
  "services/policy": ["services/directory", "services/recipients", "services/health"],
  "services/delivery": [
    "services/queue",
    "services/bounce",
    "services/health",
    "services/directory",
    "services/recipients",
  ],
};

/**
 * Single files that a storey may import although the storey is closed to it: of the daemon the tool knows its contract,
 * and how it reads and writes what operators read and write. The launcher compiles whatever may run; `serve` and the demo
 * start a daemon.
 */
export const EXCEPTIONS: Readonly<Partial<Record<Storey, readonly string[]>>> = {
  launch: ["main.ts"],
  verbs: ["app.ts"],
  demo: ["app.ts"],
  cli: [
    "endpoints/admin/contract.ts",
    "mail/network.ts",
    "mail/recipient-pattern.ts",
    "runtime/interfaces.ts",
    "runtime/moments.ts",
    "runtime/quantities.ts",
    "runtime/system-code.ts",
    "runtime/utf8-text.ts",
  ],
};

/** Folders whose subfolders are rooms, deepest first. */
export const ROOM_PARENTS: readonly string[] = ["adapters/storage", "endpoints", "services", "adapters"];

/** Folders that are one room as a whole. */
export const SINGLE_ROOMS: readonly string[] = ["demo", "config", "cli"];

/** Rooms too large for one folder: their floors, from above. A file imports its own floor and those below. */
export const FLOORS: Readonly<Record<string, readonly string[]>> = {
  "adapters/storage/sqlite": [
    "writer",
    "clients",
    "reader",
    "directory",
    "queue",
    "memory",
    "trace",
    "bodies",
    "commit",
    "disk",
    "wire",
  ],
  "services/delivery": ["dispatch", "dsn", "probation", "routing", "pool", "ground"],
};

/** Folders without a door: each file may be imported. */
export const OPEN_FOLDERS: readonly string[] = [
  "launch",
  "verbs",
  "daemon",
  "threads",
  "ports",
  "mail",
  "runtime",
];

/**
 * A door is the file named as its room. These files may be imported from outside beside the door, by who must not
 * load what stands behind it.
 */
export const SIDE_DOORS: readonly string[] = [
  "endpoints/admin/contract.ts",
  "adapters/journal/remote.ts",
  "cli/own-verbs.ts",
];

/** A door opens with a comment of at most this many lines. */
export const MAX_DOOR_COMMENT = 25;

/** The one folder that imports a package; what is not listed may not be imported at all. */
export const PACKAGE_OWNERS: Readonly<Record<string, readonly string[]>> = {
  "smtp-server": ["endpoints/smtp"],
  nodemailer: ["adapters/smtp-client"],
  "better-sqlite3": ["adapters/storage/sqlite"],
  dnsbl: ["adapters/dns"],
  mailauth: ["adapters/authentication"],
  hono: ["endpoints/admin"],
  "@hono/node-server": ["endpoints/admin"],
  pino: ["adapters/journal"],
  "prom-client": ["adapters/journal"],
  yaml: ["config"],
  zod: ["config", "endpoints/admin"],
};

/** The root of a thread other than the main one. */
export const THREAD_ROOT = /^threads\/[^/]+-thread\.ts$/;

/** No other thread loads these as it starts: each would hold a copy of its own. */
export const MAIN_THREAD_PACKAGES: readonly string[] = [
  "hono",
  "@hono/node-server",
  "pino",
  "prom-client",
  "yaml",
  "zod",
];

/** No shell is ever started: of node:child_process only these may be imported, and types. */
export const CHILD_PROCESS_NAMES: readonly string[] = ["execFile", "spawn"];

/** Time and chance are handed in; these storeys may not take them from the platform. */
export const CLOCKED_STOREYS: readonly Storey[] = ["services", "mail"];
export const CLOCKED_CALLS: readonly RegExp[] = [
  /\bDate\.now\b/,
  /\bnew Date\(\s*\)/,
  /\bMath\.random\b/,
  /\bset(?:Timeout|Interval)\b/,
];

/** Names that say nothing, for a file or a folder. */
export const EMPTY_NAMES: readonly string[] = [
  "util",
  "utils",
  "helper",
  "helpers",
  "common",
  "misc",
  "manager",
  "lib",
  "index",
  "base",
];

export const MAX_FILE_LINES = 300;
export const MAX_FUNCTION_LINES = 60;
