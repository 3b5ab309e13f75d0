import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { codeOf } from "../runtime/system-code.ts";
import { NOT_UTF8, utf8Text } from "../runtime/utf8-text.ts";
import type { Fault } from "./problem.ts";

type FileText = { readonly text: string } | { readonly fault: Fault };

/** A whole text file, or why it cannot be read and what the operator should change. */
export function readText(file: string, maxBytes: number): FileText {
  let handle: number | undefined;
  try {
    handle = openSync(file, "r");
    const stats = fstatSync(handle);
    if (stats.isDirectory()) return { fault: { wrong: "is a folder", right: "name a file" } };
    if (stats.size > maxBytes) return tooLarge(maxBytes);
    const bytes = readFileSync(handle);
    if (bytes.length > maxBytes) return tooLarge(maxBytes);
    const text = utf8Text(bytes);
    return text === undefined ? { fault: NOT_UTF8 } : { text };
  } catch (error) {
    return { fault: accessFault(error) };
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function tooLarge(maxBytes: number): FileText {
  const most = maxBytes < 1e6 ? `${maxBytes / 1e3} KB` : `${maxBytes / 1e6} MB`;
  return { fault: { wrong: "is too large", right: `keep it at ${most} or less` } };
}

/** What an error of the file system means for the operator. */
export function accessFault(error: unknown): Fault {
  const code = codeOf(error);
  if (code === "ENOENT" || code === "ENOTDIR") return { wrong: "does not exist", right: "check the path" };
  if (code === "EACCES" || code === "EPERM") {
    return { wrong: "cannot be read: permission denied", right: "let the daemon's user read it" };
  }
  return { wrong: `cannot be read (${code ?? String(error)})`, right: "check the path and the disk" };
}
