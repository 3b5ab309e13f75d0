/** Files that the operator names: what cannot be read or written is said in a sentence. */
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { codeOf } from "../runtime/system-code.ts";
import type { Input, Tool } from "./command.ts";

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  ENOTDIR: "a part of the path is no folder",
  EISDIR: "it is a folder",
  EACCES: "you may not",
  EPERM: "you may not",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
};

export async function readGiven(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw trouble(`cannot read ${file}`, error);
  }
}

/** To the file that `--output` names, for its reader's eyes alone, because it is mail or tells of it; else to stdout. */
export async function writeOut(tool: Tool, input: Input, content: Readable): Promise<void> {
  const file = input.text("output");
  if (file === undefined) return pipeline(content, tool.stdout, { end: false });
  try {
    await pipeline(content, createWriteStream(file, { mode: 0o600 }));
  } catch (error) {
    throw trouble(`cannot write ${file}`, error);
  }
  tool.complain(`written to ${file}`);
}

/** Other errors, such as the daemon's refusal in the middle of a stream, stay what they are. */
function trouble(what: string, error: unknown): unknown {
  const why = WHY[codeOf(error) ?? ""];
  const isOfFile = (error as NodeJS.ErrnoException).syscall !== undefined;
  return why === undefined || !isOfFile ? error : new Error(`${what}: ${why}`);
}
