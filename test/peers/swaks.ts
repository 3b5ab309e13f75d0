/** swaks, the Swiss army knife of SMTP testers, one mail a run. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tempFolder } from "../support/temp-folder.ts";
import { programPath } from "./peers.ts";

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
