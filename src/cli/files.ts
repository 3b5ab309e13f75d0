/** Files that the operator names: what cannot be read or written is said in a sentence. */
import { createReadStream } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { MAX_BODY } from "../endpoints/admin/contract.ts";
import { codeOf } from "../runtime/system-code.ts";
import { NOT_UTF8, utf8Text } from "../runtime/utf8-text.ts";
import { Oversized } from "./daemon.ts";
import { WrongUse, type Input, type Tool } from "./command.ts";
import { PartFile } from "./part-file.ts";

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  ENOTDIR: "a part of the path is not a folder",
  EISDIR: "it is a folder",
  EACCES: "you may not",
  EPERM: "you may not",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
};

/** Throws WrongUse where it is not UTF-8. */
export async function readGiven(file: string): Promise<string> {
  return textOf(file, createReadStream(file)).catch((error: unknown) => {
    throw trouble(`cannot read ${file}`, error);
  });
}

/** Throws WrongUse where it is not UTF-8. */
export async function readStdin({ stdin }: Tool): Promise<string> {
  return textOf("stdin", stdin);
}

/** Reads no more than a request may contain: a device such as /dev/zero has no end. */
async function textOf(name: string, content: Readable): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of content as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
    if (length > MAX_BODY) throw new Oversized(name);
  }
  const text = utf8Text(Buffer.concat(pieces, length));
  if (text === undefined) throw new WrongUse(`${name} ${NOT_UTF8.wrong}; ${NOT_UTF8.right}`);
  return text;
}

/** Of what has come: why it is not to be kept; `earlier`: it would replace a file. */
export type Flaw = (earlier: boolean) => string | undefined;

/**
 * To the file that `--output` names, for its reader's eyes alone, because it is mail or tells of it; else to stdout. A
 * file that is there already stays as it is until all has come, and after that where there is a flaw.
 */
export async function writeOut(
  tool: Tool,
  input: Input,
  content: Readable,
  flaw: Flaw = () => undefined,
): Promise<void> {
  const file = input.text("output");
  if (file === undefined) return pipeline(content, tool.stdout, { end: false });
  const before = await stat(file).catch(() => undefined);
  const isEarlier = before?.isFile() === true;
  const stays = `${file} ${isEarlier ? "stays as it was" : "was not written"}`;
  try {
    // A pipe or a device is filled: a file in its place would be neither.
    const isFilled = before !== undefined && !isEarlier;
    const why = isFilled
      ? await writeFile(file, content)
      : await replace(file, content, () => flaw(isEarlier));
    tool.complain(why === undefined ? `written to ${file}` : `${stays}: ${why}`);
  } catch (error) {
    content.destroy();
    if (isEarlier) tool.complain(stays);
    throw trouble(`cannot write ${file}`, error);
  }
}

/** Answers the flaw that kept it from being replaced. */
async function replace(
  file: string,
  content: Readable,
  flaw: () => string | undefined,
): Promise<string | undefined> {
  using part = await PartFile.beside(file);
  await part.fill(content);
  const why = flaw();
  if (why === undefined) await part.takePlace();
  return why;
}

/** Other errors, such as the daemon's refusal in the middle of a stream, stay what they are. */
export function trouble(what: string, error: unknown): unknown {
  const why = WHY[codeOf(error) ?? ""];
  const isOfFile = (error as NodeJS.ErrnoException).syscall !== undefined;
  return why === undefined || !isOfFile ? error : new Error(`${what}: ${why}`);
}
