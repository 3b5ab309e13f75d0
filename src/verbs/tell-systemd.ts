/** Tells systemd (Type=notify) when the start is complete. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * Returns a function that tells systemd, if `env` names it, that mail is accepted. It rejects if that fails; systemd
 * then keeps waiting although we work. Removes the variable from `env`, so that child processes cannot notify systemd.
 */
export function takeNotifier(env: NodeJS.ProcessEnv): () => Promise<void> {
  if (env["NOTIFY_SOCKET"] === undefined) return () => Promise.resolve();
  const whole = { ...env };
  delete env["NOTIFY_SOCKET"];
  // The socket expects Unix datagrams, which Node.js cannot send.
  return async () => void (await promisify(execFile)("systemd-notify", ["--ready"], { env: whole }));
}
