/**
 * Checks programs and folders that the configuration names. What is missing may still be created, so it only causes a
 * warning.
 */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { codeOf } from "../runtime/system-code.ts";
import { quoted, type Remark, type Path } from "./problem.ts";
import type { Parsed } from "./schema.ts";

export function placeDoubts(parsed: Parsed, folder: string): readonly Remark[] {
  return [...commandDoubts(parsed, folder), ...folderDoubts(parsed)];
}

/**
 * Only a warning: mail must not be refused because alerts cannot be sent. A name without a slash is searched in PATH.
 */
function commandDoubts({ alerts }: Parsed, folder: string): readonly Remark[] {
  const [program] = alerts.command ?? [];
  if (program === undefined) return [];
  const isPath = program.includes("/");
  const files = isPath ? [resolve(folder, program)] : searched(program);
  if (files.some(isProgram)) return [];
  const missing = isPath
    ? `${files[0]} is not a program that can be run`
    : `no folder in PATH contains the program ${quoted(program)}`;
  const wrong = `${missing}, so no alert can be sent this way`;
  // Unlike in a shell, a line is not split into words.
  const words = alerts.command?.length === 1 ? program.trim().split(/\s+/) : [];
  const right =
    words.length > 1
      ? `write a list of the program and its arguments: ${JSON.stringify(words)}`
      : "name a program that the daemon's user may run";
  return [{ path: ["alerts", "command"], wrong, right }];
}

function searched(program: string): readonly string[] {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, program));
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The daemon does not start without these folders. But systemd creates them only when it starts the daemon. */
function folderDoubts({ admin, log }: Parsed): readonly Remark[] {
  return [
    ...folderDoubt(["admin", "socket"], admin.socket, "RuntimeDirectory"),
    ...folderDoubt(["log", "file"], log.file, "LogsDirectory"),
  ];
}

function folderDoubt(path: Path, written: string | undefined, directive: string): readonly Remark[] {
  if (written === undefined) return [];
  const file = resolve(written);
  const folder = dirname(file);
  if (isFolder(file) === true) return [{ path, wrong: `${file} is a folder`, right: "name a file in it" }];
  if (isFolder(folder) !== false) return [];
  const wrong = `${folder} is not a folder, and the daemon does not start without it`;
  return [{ path, wrong, right: `create it for the daemon's user, unless systemd does so (${directive})` }];
}

/** Returns undefined if the present user may not look; the daemon's user may be allowed to. */
function isFolder(path: string): boolean | undefined {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    return codeOf(error) === "EACCES" ? undefined : false;
  }
}
