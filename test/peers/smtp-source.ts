/** smtp-source of Postfix: many mails of one size, fast, written in C. It does not pipeline. */
import { spawn } from "node:child_process";
import { programPath } from "./peers.ts";

export interface SourcePlan {
  readonly port: number;
  readonly sessions: number;
  readonly messages: number;
  /** Octets of the body, header not counted. */
  readonly size: number;
  readonly from: string;
  readonly to: string;
  /** Many mails over one connection; otherwise each mail has a connection of its own, smtp-source's default. */
  readonly reuse?: boolean;
  /** What it says in EHLO; absent: the machine's name. */
  readonly helo?: string;
}

/** Resolves with the milliseconds that it took, when every mail got its 250; rejects with its words otherwise. */
export async function runSmtpSource(plan: SourcePlan): Promise<number> {
  const args = [
    "-s",
    plan.sessions,
    "-m",
    plan.messages,
    "-l",
    plan.size,
    "-f",
    plan.from,
    "-t",
    plan.to,
  ].map(String);
  // A burst of connections can overrun a listen queue; trying again is what a sender's TCP would do.
  const all = [
    "-c",
    "-4",
    "-C",
    "10",
    ...(plan.reuse === true ? ["-d"] : []),
    ...(plan.helo === undefined ? [] : ["-M", plan.helo]),
    ...args,
    `127.0.0.1:${plan.port}`,
  ];
  const start = performance.now();
  const child = spawn(programPath("smtp-source"), all, { stdio: ["ignore", "ignore", "pipe"] });
  let words = "";
  child.stderr.on("data", (text) => {
    words = (words + String(text)).slice(-4000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`smtp-source ended with ${code}: ${words}`);
  return performance.now() - start;
}
