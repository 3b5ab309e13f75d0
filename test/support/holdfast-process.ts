/** The `holdfast` command as an operator runs it: a process of its own, beside a running daemon. */
import { spawn } from "node:child_process";
import { join } from "node:path";

/** What the `holdfast` command runs. */
export const LAUNCHER = join(import.meta.dirname, "..", "..", "src", "holdfast.js");
/** Milliseconds after which a verb that hangs is killed. */
const LONGEST = 30_000;

export interface ToolResult {
  /** Exit code; -1 when it had to be killed. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function runHoldfast(config: string, ...words: readonly string[]): Promise<ToolResult> {
  const child = spawn(process.execPath, [LAUNCHER, ...words, "--config", config], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LONGEST,
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => (output[name] += text));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? -1, ...output }));
  });
}
