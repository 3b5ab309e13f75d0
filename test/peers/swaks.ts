/** swaks, the Swiss army knife of SMTP testers, one mail a run. */
import { execFile, spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tempFolder } from "../support/temp-folder.ts";
import { programPath, skipWithout } from "./peers.ts";

interface SwaksMail {
  readonly port: number;
  readonly from: string;
  readonly to: readonly string[];
  /** The whole mail; swaks stuffs dots and turns line ends into CRLF itself. */
  readonly content: Buffer;
  /** Further options such as `--tls`, `--pipeline`. */
  readonly options?: readonly string[];
}

interface SwaksResult {
  /** 0: the mail was taken; 23 to 29: refused at HELO, MAIL, RCPT, DATA, ... (see its manual). */
  readonly exitCode: number;
  readonly transcript: string;
}

/** As `skipWithout("swaks")`; it knows TLS only with a package that Debian merely recommends. */
export function skipWithoutTls(): string | false {
  const missing = skipWithout("swaks");
  if (missing !== false) return missing;
  const { stdout, stderr } = spawnSync(programPath("swaks"), ["--support"], { encoding: "utf8" });
  if (!`${stdout}${stderr}`.includes("TLS not available")) return false;
  const reason = "swaks has no TLS (Debian: apt-get install --no-install-recommends libnet-ssleay-perl)";
  process.stderr.write(`\nSKIPPED, a real peer lacks something: ${reason}\n`);
  return reason;
}

export async function runSwaks(mail: SwaksMail): Promise<SwaksResult> {
  await using folder = await tempFolder();
  const file = join(folder.path, "mail");
  await writeFile(file, mail.content);
  const args = [
    "--server",
    "127.0.0.1",
    "--port",
    String(mail.port),
    "--from",
    mail.from,
    "--to",
    mail.to.join(","),
  ];
  const rest = [
    "--helo",
    "swaks.holdfast.test",
    "--data",
    `@${file}`,
    "--timeout",
    "30",
    ...(mail.options ?? []),
  ];
  // Awaited here: the folder must outlive the run.
  return await new Promise((resolve) => {
    execFile(programPath("swaks"), [...args, ...rest], { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ exitCode, transcript: stdout + stderr });
    });
  });
}
