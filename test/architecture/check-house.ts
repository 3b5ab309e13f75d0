/** Checks a tree of source files against rules.ts; every finding is one line that names the file and the rule. */
import { scanImports, type Import } from "./scan-imports.ts";
import { findCircles } from "./circles.ts";
import { maskSource } from "./mask.ts";
import { scanFunctions } from "./scan-functions.ts";
import { importFinding, roomOf } from "./storeys.ts";
import { threadLoadFindings } from "./thread-loads.ts";
import type { Storey } from "./rules.ts";
import * as rules from "./rules.ts";

/** Sources by path relative to src/, with forward slashes. */
type Tree = ReadonlyMap<string, string>;

interface SourceFile {
  readonly path: string;
  readonly source: string;
  readonly masked: string;
  readonly imports: readonly Import[];
}

export function checkHouse(tree: Tree): string[] {
  const files = [...tree].map(([path, source]): SourceFile => {
    const masked = maskSource(source);
    return { path, source, masked, imports: scanImports(source, masked) };
  });
  const findings = files.flatMap((file) => [
    ...nameFindings(file.path),
    ...sizeFindings(file),
    ...exportFindings(file),
    ...clockFindings(file),
    ...file.imports.flatMap((entry) => importFindings(file, entry, tree)),
  ]);
  return [...findings, ...doorFindings(files), ...circleFindings(files), ...loadFindings(files)].toSorted();
}

/** Path within src/ that a relative specifier means. */
function resolveImport(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function nameFindings(path: string): string[] {
  const parts = path.replace(/\.\w+$/, "").split("/");
  const empty = parts.filter((part) => rules.EMPTY_NAMES.includes(part));
  const odd = parts.filter((part) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(part));
  return [
    ...empty.map((part) => `${path}: the name "${part}" says nothing; name it after what it does`),
    ...odd.map((part) => `${path}: "${part}" is not kebab-case`),
  ];
}

function sizeFindings(file: SourceFile): string[] {
  const lines = file.source.replace(/\n$/, "").split("\n").length;
  const large = scanFunctions(file.masked).filter((found) => found.lines > rules.MAX_FUNCTION_LINES);
  return [
    ...(lines > rules.MAX_FILE_LINES
      ? [`${file.path}: ${lines} lines, more than ${rules.MAX_FILE_LINES}; split it`]
      : []),
    ...large.map(
      (found) =>
        `${file.path}:${found.line}: function ${found.name} has ${found.lines} lines, more than ${rules.MAX_FUNCTION_LINES}`,
    ),
  ];
}

function exportFindings(file: SourceFile): string[] {
  const barrels = file.imports.filter((entry) => entry.reExportsAll);
  const hasDefault = /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/.test(file.masked);
  return [
    ...barrels.map((entry) => `${file.path}:${entry.line}: "export *" makes a barrel; export by name`),
    ...(hasDefault ? [`${file.path}: a default export; export by name`] : []),
  ];
}

function clockFindings(file: SourceFile): string[] {
  if (!rules.CLOCKED_STOREYS.includes(file.path.split("/")[0] as Storey)) return [];
  return rules.CLOCKED_CALLS.flatMap((pattern) => {
    const match = pattern.exec(file.masked);
    if (match === null) return [];
    const line = file.masked.slice(0, match.index).split("\n").length;
    return [
      `${file.path}:${line}: "${match[0]}": time and chance are handed in (runtime/clock.ts, runtime/ids.ts)`,
    ];
  });
}

function importFindings(file: SourceFile, entry: Import, tree: Tree): string[] {
  const at = `${file.path}:${entry.line}`;
  const { specifier } = entry;
  if (specifier === undefined)
    return [`${at}: an import or require that cannot be checked; name the file in a literal`];
  if (specifier.startsWith("node:")) return shellFindings(at, entry, specifier);
  if (!specifier.startsWith(".")) return packageFindings(at, file.path, specifier);
  const target = resolveImport(file.path, specifier);
  if (!tree.has(target))
    return target.startsWith("..") || !/\.[jt]s$/.test(target) ? [] : [`${at}: ${target} does not exist`];
  const finding = importFinding(file.path, target);
  return finding === undefined ? [] : [`${at}: ${finding}`];
}

function shellFindings(at: string, entry: Import, specifier: string): string[] {
  if (specifier !== "node:child_process") return [];
  return entry.names
    .filter((name) => !isHarmless(name))
    .map(
      (name) =>
        `${at}: "${name}" of node:child_process; only ${rules.CHILD_PROCESS_NAMES.join(" and ")}, no shell`,
    );
}

function packageFindings(at: string, path: string, specifier: string): string[] {
  const name = packageOf(specifier);
  const owners = Object.hasOwn(rules.PACKAGE_OWNERS, name) ? (rules.PACKAGE_OWNERS[name] ?? []) : [];
  if (owners.some((folder) => path.startsWith(`${folder}/`))) return [];
  const rule =
    owners.length === 0 ? "belongs to no folder of src/" : `is imported only by ${owners.join(" and ")}`;
  return [`${at}: the package "${name}" ${rule}`];
}

/** `@scope/name/file.js` is of `@scope/name`. */
function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function isHarmless(name: string): boolean {
  return name.startsWith("type ") || rules.CHILD_PROCESS_NAMES.includes(name) || /^[A-Z]/.test(name);
}

/** Every room has a door, and the door says what the room does. */
function doorFindings(files: readonly SourceFile[]): string[] {
  const paths = new Map(files.map((file) => [file.path, file]));
  const all = files.map((file) => roomOf(file.path)).filter((room) => room !== undefined);
  const rooms = new Map(all.map((room) => [room.folder, room]));
  return [...rooms.values()].flatMap((room) => {
    const door = paths.get(room.door);
    if (door === undefined) return [`${room.folder}: has no door; its file ${room.door} is missing`];
    const comment = /^(?:#!.*\n)?\/\*\*[\s\S]*?\*\//.exec(door.source)?.[0];
    if (comment === undefined)
      return [`${door.path}: a door opens with a comment that says what the room does`];
    const lines = comment.split("\n").length;
    return lines > rules.MAX_DOOR_COMMENT
      ? [`${door.path}: its opening comment has ${lines} lines, more than ${rules.MAX_DOOR_COMMENT}`]
      : [];
  });
}

function loadFindings(files: readonly SourceFile[]): string[] {
  const loads = files.map(({ path, imports }): [string, string[]] => {
    const specifiers = imports.flatMap(({ specifier, atOnce }) => (atOnce ? (specifier ?? []) : []));
    return [
      path,
      specifiers.map((name) => (name.startsWith(".") ? resolveImport(path, name) : packageOf(name))),
    ];
  });
  return threadLoadFindings(new Map(loads));
}

function circleFindings(files: readonly SourceFile[]): string[] {
  const arrows = new Map(
    files.map((file) => [
      file.path,
      file.imports.flatMap(({ specifier }) =>
        specifier?.startsWith(".") ? [resolveImport(file.path, specifier)] : [],
      ),
    ]),
  );
  return findCircles(arrows).map((circle) => `${circle[0]}: a circle: ${circle.join(" -> ")}`);
}
