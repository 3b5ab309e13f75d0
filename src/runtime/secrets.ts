/** Reads secrets; the configuration only contains the place of each. */
import { readFile } from "node:fs/promises";
import { codeOf } from "./system-code.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** One of the two is set. */
interface SecretPlace {
  /** Absolute path. */
  readonly file: string | undefined;
  /** Name of an environment variable. */
  readonly env: string | undefined;
}

/** The secret is missing; the message names its place and the cause. */
export class NoSecret extends Error {
  override readonly name = "NoSecret";
}

/**
 * Returns the first line of the file, or the environment variable. Reads it for each use, so that a change needs no
 * restart. Rejects with NoSecret.
 */
export async function readSecret({ file, env = "" }: SecretPlace, environment: Environment): Promise<string> {
  const secret = file === undefined ? (environment[env] ?? "") : await firstLine(file);
  if (secret.trim() !== "") return secret;
  throw new NoSecret(
    file === undefined ? `${env} is not set in the environment` : `${file} has no first line`,
  );
}

async function firstLine(file: string): Promise<string> {
  try {
    const text = await readFile(file, "utf8");
    const [line = ""] = text.replace(/^\ufeff/, "").split(/\r?\n/, 1);
    return line;
  } catch (error) {
    throw new NoSecret(`${file} cannot be read (${codeOf(error) ?? "unknown"})`);
  }
}
