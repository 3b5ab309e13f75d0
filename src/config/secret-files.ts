/** Passwords, and what is sent along with requests for lists: in a file or in the environment, and not empty. */
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

/** Passwords of primaries. */
function loginRemarks({ domains = {} }: Partly<Parsed>, folder: string): readonly Remark[] {
  return Object.entries(domains).flatMap(([name, domain]) => {
    // If it has a mistake, it is here as it was written, whatever that is.
    const primaries: readonly Primary[] = Array.isArray(domain?.primary) ? domain.primary : [];
    return primaries.flatMap(({ login }, index): Remark[] => {
      const at = primaries.length === 1 ? [] : [index];
      const path = ["domains", name, "primary", ...at, "login"];
      return login === undefined ? [] : passwordRemarks(login, path, folder);
    });
  });
}

/** The password of the smart host for notices. */
function noticeRemarks({ notices }: Partly<Parsed>, folder: string): readonly Remark[] {
  const route = notices?.route as DsnRoute | undefined;
  if (route?.kind !== "host" || route.login === undefined) return [];
  return passwordRemarks(route.login, ["notices", "route", "login"], folder);
}

function passwordRemarks({ passwordFile, passwordEnv }: Login, path: Path, folder: string): Remark[] {
  const keys = { what: "the password", file: "passwordFile", env: "passwordEnv" };
  return faultsOf({ file: passwordFile, env: passwordEnv, keys }, path, folder);
}

/** What is sent along with requests for lists. */
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

/** The first line of a file, or a variable of the environment: there, and not empty. */
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
  const [line] = content.text.split(/\r?\n/, 1);
  return isBlank(line) ? { wrong: "has an empty first line", right: `write ${what} there` } : undefined;
}

/** Whoever uses it takes blanks alone for no secret. */
function isBlank(text = ""): boolean {
  return text.trim() === "";
}
