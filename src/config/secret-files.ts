/**
 * Checks passwords, and the Authorization fields for fetching lists: each must be in its file or in the environment,
 * and not empty.
 */
import { resolve } from "node:path";
import type { Login, Primary } from "../ports/directory.ts";
import type { DsnRoute } from "../ports/dsn.ts";
import type { Partly } from "./remarks.ts";
import { quoted, type Fault, type Path, type Remark } from "./problem.ts";
import type { Parsed } from "./schema.ts";
import { readText } from "./text-file.ts";

const MAX_SECRET_BYTES = 10_000;

export function secretRemarks(parts: Partly<Parsed>, folder: string): readonly Remark[] {
  return [
    ...loginRemarks(parts, folder),
    ...noticeRemarks(parts, folder),
    ...authorizationRemarks(parts, folder),
  ];
}

/** Checks the passwords of primaries. */
function loginRemarks({ domains = {} }: Partly<Parsed>, folder: string): readonly Remark[] {
  return Object.entries(domains).flatMap(([name, domain]) => {
    // If `primary` has a mistake, this is the unchecked value, of any type.
    const primaries: readonly Primary[] = Array.isArray(domain?.primary) ? domain.primary : [];
    return primaries.flatMap(({ login }, index): Remark[] => {
      const at = primaries.length === 1 ? [] : [index];
      const path = ["domains", name, "primary", ...at, "login"];
      return login === undefined ? [] : passwordRemarks(login, path, folder);
    });
  });
}

/** Checks the password of the smart host for notices. */
function noticeRemarks({ notices }: Partly<Parsed>, folder: string): readonly Remark[] {
  const route = notices?.route as DsnRoute | undefined;
  if (route?.kind !== "host" || route.login === undefined) return [];
  return passwordRemarks(route.login, ["notices", "route", "login"], folder);
}

function passwordRemarks({ passwordFile, passwordEnv }: Login, path: Path, folder: string): Remark[] {
  const keys = { what: "the password", file: "passwordFile", env: "passwordEnv" };
  return faultsOf({ file: passwordFile, env: passwordEnv, keys }, path, folder);
}

/** Checks the Authorization fields for fetching lists. */
function authorizationRemarks({ domains = {} }: Partly<Parsed>, folder: string): readonly Remark[] {
  const keys = { what: "the Authorization field", file: "authorizationFile", env: "authorizationEnv" };
  return Object.entries(domains).flatMap(([name, domain]) => {
    const { authorizationFile: file, authorizationEnv: env } = domain?.recipients?.fetched ?? {};
    return faultsOf({ file, env, keys }, ["domains", name, "recipients"], folder);
  });
}

interface Secret {
  readonly file: string | undefined;
  readonly env: string | undefined;
  /** What the secret is, and the names of the two keys. */
  readonly keys: { readonly what: string; readonly file: string; readonly env: string };
}

/** Checks the first line of a file, or an environment variable: it must exist and not be empty. */
function faultsOf({ file: written, env, keys }: Secret, path: Path, folder: string): Remark[] {
  if (written !== undefined) {
    const file = resolve(folder, written);
    const fault = firstLineFault(file, keys.what);
    if (fault === undefined) return [];
    return [{ path: [...path, keys.file], wrong: `${file} ${fault.wrong}`, right: fault.right }];
  }
  if (env === undefined || !isBlank(process.env[env])) return [];
  const wrong = `${quoted(env)} is not set in the environment`;
  return [{ path: [...path, keys.env], wrong, right: `set it for the daemon, or use ${keys.file}` }];
}

function firstLineFault(file: string, what: string): Fault | undefined {
  const content = readText(file, MAX_SECRET_BYTES);
  if ("fault" in content) return content.fault;
  const [line] = content.text.split("\n", 1);
  return isBlank(line) ? { wrong: "has an empty first line", right: `write ${what} there` } : undefined;
}

/** The code that uses a secret treats one of blanks only as missing. */
function isBlank(text = ""): boolean {
  return text.trim() === "";
}
