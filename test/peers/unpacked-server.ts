/** A mail server of `.peers/`, with configuration, spool, log and maildir in one temporary folder, and no DNS. */
import type { ChildProcess } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSmtp } from "../support/raw-smtp.ts";
import type { TestCertificate } from "../support/test-certificate.ts";
import { waitFor } from "../support/wait.ts";
import { type MergedPlan, spawnMerged } from "./merged-root.ts";

/** What Exim and OpenSMTPD can be asked for alike. */
export interface ServerPlan {
  /** It listens on 127.0.0.1 only. */
  readonly port: number;
  /** Mail for this domain is taken from anybody. */
  readonly domain: string;
  /** The mail goes on to this port of 127.0.0.1; without it, into the maildir `mail/all`. */
  readonly relayPort?: number;
  /** On the way there; default `may`: when STARTTLS is offered, whatever the certificate. */
  readonly relayTls?: "none" | "may" | "require";
  /** Offers STARTTLS with it. */
  readonly certificate?: TestCertificate;
  /** Options of its own, each a line of its configuration. */
  readonly settings?: readonly string[];
}

export interface ServerFolder {
  readonly path: string;
  /** Files of the certificate, when there is one. */
  readonly certificate: string;
  readonly key: string;
}

/** Milliseconds. */
const START_DEADLINE = 20_000;

export class UnpackedServer implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = "";
  readonly #atExit = (): void => void this.#child.kill("SIGKILL");

  private constructor(folder: string, port: number, child: ChildProcess) {
    this.folder = folder;
    this.port = port;
    this.#child = child;
    process.once("exit", this.#atExit);
    this.#ended = new Promise((resolve) => void child.once("close", resolve));
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (text) => (this.#output = (this.#output + String(text)).slice(-100_000)));
  }

  /** Resolves when it greets on its port. */
  static async start(
    port: number,
    plan: Omit<MergedPlan, "folder">,
    folder: string,
  ): Promise<UnpackedServer> {
    const child = await spawnMerged({ ...plan, folder });
    const server = new UnpackedServer(folder, port, child);
    try {
      await waitFor({ what: `${plan.peer} greets`, deadline: START_DEADLINE }, async () => {
        if (child.exitCode !== null) throw new Error(`${plan.peer} ended with ${child.exitCode}`);
        const smtp = await openSmtp(port);
        await smtp?.quit();
        return smtp !== undefined;
      });
    } catch (error) {
      const log = await server.log();
      await server[Symbol.asyncDispose]();
      throw new Error(`${String(error)}\n${log}`, { cause: error });
    }
    return server;
  }

  /** What it wrote to its log and its output. */
  async log(): Promise<string> {
    const names = await readdir(join(this.folder, "log")).catch(() => [] as string[]);
    const texts = names.toSorted().map((name) => readFile(join(this.folder, "log", name), "utf8"));
    return (await Promise.all(texts)).join("") + this.#output;
  }

  /** Files of the maildir, oldest first, as they were delivered (line ends are LF). */
  async delivered(): Promise<Buffer[]> {
    const folder = join(this.folder, "mail", "all", "new");
    const names = await readdir(folder).catch(() => [] as string[]);
    return Promise.all(names.toSorted().map((name) => readFile(join(folder, name))));
  }

  /** Waits for that many; the error shows the end of the log. */
  async untilDelivered(count: number, deadline = 20_000): Promise<Buffer[]> {
    const wait = { what: `${count} mails in the maildir`, deadline };
    const look = async (): Promise<Buffer[] | false> => {
      const files = await this.delivered();
      return files.length >= count && files;
    };
    return waitFor(wait, look).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${(await this.log()).slice(-4000)}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
    process.removeListener("exit", this.#atExit);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A folder for one server, which its own users may enter. */
export async function serverFolder(
  name: string,
  certificate: TestCertificate | undefined,
): Promise<ServerFolder> {
  const path = await mkdtemp(join(tmpdir(), `${name}-`));
  await chmod(path, 0o755);
  for (const folder of ["mail", "log", "spool"]) {
    await mkdir(join(path, folder));
    // Whatever user it takes for that may write.
    await chmod(join(path, folder), 0o1777);
  }
  const files = { path, certificate: join(path, "certificate.pem"), key: join(path, "key.pem") };
  if (certificate !== undefined) {
    await writeFile(files.certificate, certificate.certificate);
    await writeFile(files.key, certificate.key, { mode: 0o600 });
  }
  return files;
}

/**
 * What a maildir file held before the server wrote it: fields of its own on top (Return-Path, Delivered-To,
 * Envelope-To, its Received) taken off, line ends CRLF.
 */
export function beforeDelivery(file: Buffer): Buffer {
  const text = file.toString("latin1").replaceAll("\n", "\r\n");
  const own =
    /^(?:(?:Return-Path|Delivered-To|X-Original-To|Envelope-to):[^\r]*\r\n)*Received:[^\r]*\r\n(?:[ \t][^\r]*\r\n)*/i;
  return Buffer.from(text.replace(own, ""), "latin1");
}
