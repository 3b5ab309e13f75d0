/**
 * A Postfix of our own: configuration, queue, data and log in one temporary folder, one SMTP port on 127.0.0.1,
 * no DNS. The installed configuration in /etc/postfix is not used.
 * It ends with the test's process. Needs root (see peers.ts).
 */
import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openSmtp } from "../support/raw-smtp.ts";
import { waitFor } from "../support/wait.ts";
import { findProgram, programPath } from "./peers.ts";

interface PostfixPlan {
  readonly port: number;
  /** Lines of main.cf behind the common ones; `$config_directory` is the instance's folder. */
  readonly settings: readonly string[];
  /** Lookup tables to write, by name: `hash:$config_directory/NAME` is then there. */
  readonly tables?: Readonly<Record<string, readonly string[]>>;
  /** Where the instance's folder is made; the system's folder for temporary files otherwise. */
  readonly parent?: string;
  /** Hostname in its banner and Received fields. */
  readonly hostname?: string;
}

/** Milliseconds. */
const START_DEADLINE = 15_000;
/** Milliseconds. */
const STOP_DEADLINE = 15_000;

export class Postfix implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly #master: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #atExit = (): void => void this.#master.kill("SIGKILL");

  private constructor(folder: string, port: number, master: ChildProcess) {
    this.folder = folder;
    this.port = port;
    this.#master = master;
    process.once("exit", this.#atExit);
    this.#ended = new Promise((resolve) => {
      master.once("close", resolve);
    });
  }

  /** Resolves when it greets on its port. */
  static async start(plan: PostfixPlan): Promise<Postfix> {
    const folder = await writeInstance(plan);
    const output: string[] = [];
    const master = spawn(masterPath(), ["-c", folder, "-s"], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [master.stdout, master.stderr])
      stream.on("data", (text) => output.push(String(text)));
    const postfix = new Postfix(folder, plan.port, master);
    try {
      await waitFor({ what: "Postfix greets", deadline: START_DEADLINE }, () => {
        if (master.exitCode !== null) throw new Error(`Postfix ended with ${master.exitCode}`);
        return greets(plan.port);
      });
    } catch (error) {
      const log = await postfix.log();
      await postfix[Symbol.asyncDispose]();
      throw new Error(`${String(error)}\n${output.join("")}${log}`, { cause: error });
    }
    return postfix;
  }

  /** Its log so far. */
  async log(): Promise<string> {
    return readFile(join(this.folder, "mail.log"), "utf8").catch(() => "");
  }

  /** Runs `postqueue -f`: try everything now. */
  async flush(): Promise<void> {
    await run("postqueue", ["-c", this.folder, "-f"]);
  }

  /** Mails in its queue, counted by their files: exact, and no load on its daemons. */
  async queued(names: readonly string[] = ["incoming", "active", "deferred", "hold"]): Promise<number> {
    const queues = names.map((queue) => join(this.folder, "queue", queue));
    const counts = await Promise.all(queues.map(countFiles));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Files of the maildir below `mail/`, oldest first, as they were delivered (line ends are LF). */
  async delivered(maildir = "all"): Promise<Buffer[]> {
    const folder = join(this.folder, "mail", maildir, "new");
    const names = await readdir(folder).catch(() => [] as string[]);
    return Promise.all(names.toSorted().map((name) => readFile(join(folder, name))));
  }

  /** Waits for that many: its 250 comes before they are there. The error shows the end of the log. */
  async untilDelivered(count: number): Promise<Buffer[]> {
    const wait = { what: `${count} mails in the maildir`, deadline: 20_000 };
    try {
      return await waitFor(wait, async () => {
        const files = await this.delivered();
        return files.length >= count && files;
      });
    } catch (error) {
      throw new Error(`${String(error)}\n${(await this.log()).slice(-3000)}`, { cause: error });
    }
  }

  /** Ends its processes; resolves when the last is gone. */
  async stop(): Promise<void> {
    // The master process takes the others with it.
    this.#master.kill("SIGTERM");
    const late = setTimeout(() => this.#master.kill("SIGKILL"), STOP_DEADLINE);
    await this.#ended;
    clearTimeout(late);
    process.removeListener("exit", this.#atExit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Settings of a primary that delivers everything for `domain` into the maildir `mail/all`. */
export function primarySettings(domain: string): string[] {
  return [
    `virtual_mailbox_domains = ${domain}`,
    "virtual_mailbox_base = $config_directory/mail",
    "virtual_mailbox_maps = static:all/",
    `virtual_uid_maps = static:${id("-u", "nobody")}`,
    `virtual_gid_maps = static:${id("-g", "nobody")}`,
    "virtual_mailbox_limit = 0",
  ];
}

/**
 * What a maildir file held before Postfix wrote it: its own fields on top (Return-Path, X-Original-To,
 * Delivered-To, its Received) taken off, line ends CRLF.
 */
export function asReceived(file: Buffer): Buffer {
  const text = file.toString("latin1").replaceAll("\n", "\r\n");
  const own =
    /^(?:(?:Return-Path|X-Original-To|Delivered-To):[^\r]*\r\n)*Received:[^\r]*\r\n(?:[ \t][^\r]*\r\n)*/;
  return Buffer.from(text.replace(own, ""), "latin1");
}

/**
 * Postfix mends what is no sound header: it sets a blank line before the first line that is no field, quotes a
 * `From ` line, takes blanks before a colon away. Bodies with sound headers come back as they were sent.
 */
export const MENDED_BY_POSTFIX: readonly string[] = [
  "body-without-blank-line",
  "continuation-first",
  "dot-instead-of-header",
  "header-broken-off",
  "mbox-from-on-top",
  "odd-field-names",
];

/** The master process itself: the `postfix` command would spend 2 s on checks and waits. */
function masterPath(): string {
  const folder = execFileSync(programPath("postconf"), ["-d", "-h", "daemon_directory"], {
    encoding: "utf8",
  });
  return join(folder.trim(), "master");
}

async function greets(port: number): Promise<boolean> {
  const smtp = await openSmtp(port);
  smtp?.close();
  return smtp !== undefined;
}

async function writeInstance(plan: PostfixPlan): Promise<string> {
  const folder = await mkdtemp(join(plan.parent ?? tmpdir(), "postfix-"));
  // Its daemons run as their own user and must pass through.
  await chmod(folder, 0o755);
  await makeQueueFolders(join(folder, "queue"));
  await makeFolder(join(folder, "data"), 0o700, { uid: id("-u", "postfix"), gid: id("-g", "postfix") });
  await makeFolder(join(folder, "mail"), 0o755, { uid: id("-u", "nobody"), gid: id("-g", "nobody") });
  await writeSettled(join(folder, "main.cf"), mainCf(folder, plan));
  await writeSettled(join(folder, "master.cf"), masterCf(plan.port));
  for (const [name, lines] of Object.entries(plan.tables ?? {})) {
    const path = join(folder, name);
    await writeFile(path, `${lines.join("\n")}\n`);
    await run("postmap", ["-c", folder, `hash:${path}`]);
  }
  return folder;
}

/** Postfix waits until a configuration file is 2 s old, lest somebody is still writing; it shall not wait. */
async function writeSettled(path: string, content: string): Promise<void> {
  await writeFile(path, content);
  const past = new Date(Date.now() - 60_000);
  await utimes(path, past, past);
}

/** What `postfix check` would make. */
async function makeQueueFolders(queue: string): Promise<void> {
  const uid = id("-u", "postfix");
  const own = { uid, gid: id("-g", "postfix") };
  const postdrop = execFileSync("getent", ["group", "postdrop"], { encoding: "utf8" }).split(":")[2];
  const shared = { uid, gid: Number(postdrop) };
  await mkdir(queue);
  const names = [
    "incoming",
    "active",
    "bounce",
    "defer",
    "deferred",
    "flush",
    "hold",
    "saved",
    "corrupt",
    "trace",
  ];
  for (const name of [...names, "private"]) await makeFolder(join(queue, name), 0o700, own);
  await makeFolder(join(queue, "maildrop"), 0o1730, shared);
  await makeFolder(join(queue, "public"), 0o2710, shared);
  await mkdir(join(queue, "pid"));
}

async function makeFolder(path: string, mode: number, owner: { uid: number; gid: number }): Promise<void> {
  await mkdir(path);
  await chown(path, owner.uid, owner.gid);
  await chmod(path, mode);
}

function mainCf(folder: string, plan: PostfixPlan): string {
  const common = [
    "compatibility_level = 3.6",
    `queue_directory = ${folder}/queue`,
    `data_directory = ${folder}/data`,
    `maillog_file = ${folder}/mail.log`,
    `maillog_file_prefixes = ${folder}`,
    `myhostname = ${plan.hostname ?? "postfix.holdfast.test"}`,
    "inet_interfaces = 127.0.0.1",
    "inet_protocols = ipv4",
    "mynetworks = 127.0.0.0/8",
    // No DNS: nothing may leave the machine, and a name must not cost a time-out.
    "smtp_dns_support_level = disabled",
    "smtp_host_lookup = native",
    "smtpd_peername_lookup = no",
    "mydestination =",
    "local_recipient_maps =",
    "local_transport = error:no mail for this machine",
    "alias_maps =",
    "alias_database =",
    // Bodies and headers as they came, whatever their size.
    "message_size_limit = 104857600",
    "hopcount_limit = 101",
    "message_drop_headers =",
    "header_size_limit = 10485760",
    "local_header_rewrite_clients =",
    "disable_mime_output_conversion = yes",
    "smtputf8_enable = yes",
    "append_dot_mydomain = no",
  ];
  return `${[...common, ...plan.settings].join("\n")}\n`;
}

/** The services of Debian's master.cf that relaying and virtual delivery use; no chroot, so that no files are copied. */
function masterCf(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
pickup     unix  n - n 60    1 pickup
cleanup    unix  n - n -     0 cleanup
qmgr       unix  n - n 300   1 qmgr
tlsmgr     unix  - - n 1000? 1 tlsmgr
rewrite    unix  - - n -     - trivial-rewrite
bounce     unix  - - n -     0 bounce
defer      unix  - - n -     0 bounce
trace      unix  - - n -     0 bounce
verify     unix  - - n -     1 verify
flush      unix  n - n 1000? 0 flush
proxymap   unix  - - n -     - proxymap
proxywrite unix  - - n -     1 proxymap
smtp       unix  - - n -     - smtp
relay      unix  - - n -     - smtp
showq      unix  n - n -     - showq
error      unix  - - n -     - error
retry      unix  - - n -     - error
discard    unix  - - n -     - discard
virtual    unix  - n n -     - virtual
anvil      unix  - - n -     1 anvil
scache     unix  - - n -     1 scache
postlog    unix-dgram n - n - 1 postlogd
`;
}

function id(option: "-u" | "-g", name: string): number {
  return Number(execFileSync("id", [option, name], { encoding: "utf8" }));
}

async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).length;
}

async function run(program: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(findProgram(program) ?? program, [...args]);
}
