/** A systemd that started us (Type=notify) counts us as started when we say so. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * Answers what tells the systemd that `env` names that mail is taken; it rejects when systemd could not be told, which
 * goes on waiting then while we work. `env` does not name it any more: programs that we run have nothing to tell it.
 */
export function takeNotifier(env: NodeJS.ProcessEnv): () => Promise<void> {
  if (env["NOTIFY_SOCKET"] === undefined) return () => Promise.resolve();
  const whole = { ...env };
  delete env["NOTIFY_SOCKET"];
  // Its socket takes datagrams, which Node.js cannot send there.
  return async () => void (await promisify(execFile)("systemd-notify", ["--ready"], { env: whole }));
}
