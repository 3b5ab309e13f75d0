/** Reads and writes files that the operator names; failures are explained in a sentence. */
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

/** Says why the received content must not be kept; `earlier` is true if it would replace a file. */
export type Flaw = (earlier: boolean) => string | undefined;

/**
 * Writes to the file that `--output` names, readable by its owner only, because it is mail or describes mail; without
 * that option to stdout. An existing file is not changed until everything has arrived, and not at all if there is a
 * flaw.
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
    // A pipe or a device is written to directly: a regular file must not replace it.
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

/** Returns the flaw that kept the file from being replaced. */
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

/** Returns other errors unchanged, such as the daemon's refusal in the middle of a stream. */
export function trouble(what: string, error: unknown): unknown {
  const why = WHY[codeOf(error) ?? ""];
  const isOfFile = (error as NodeJS.ErrnoException).syscall !== undefined;
  return why === undefined || !isOfFile ? error : new Error(`${what}: ${why}`);
}
