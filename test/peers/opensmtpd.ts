/** Debian's OpenSMTPD (`npm run peers opensmtpd`): a primary with a maildir, or a sender that passes mail on. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { skipWithoutMerged } from "./merged-root.ts";
import { type ServerFolder, serverFolder, type ServerPlan, UnpackedServer } from "./unpacked-server.ts";

/** For the options of `test()`. */
export function skipWithoutOpensmtpd(): string | false {
  return skipWithoutMerged("opensmtpd", "smtpd");
}

/** `settings` are lines of smtpd.conf before the actions, such as `smtp max-message-size 1M`. */
export async function startOpensmtpd(plan: ServerPlan): Promise<UnpackedServer> {
  const folder = await serverFolder("opensmtpd", plan.certificate);
  const file = join(folder.path, "smtpd.conf");
  await writeFile(file, configuration(plan, folder), { mode: 0o644 });
  const command = ["/usr/sbin/smtpd", "-d", "-f", file] as const;
  const accounts = ["opensmtpd", "opensmtpq", "vmail"];
  return UnpackedServer.start(plan.port, { peer: "opensmtpd", command: [...command], accounts }, folder.path);
}

function configuration(plan: ServerPlan, folder: ServerFolder): string {
  const tls = plan.certificate === undefined ? "" : " tls pki primary";
  return `${plan.certificate === undefined ? "" : pki(folder)}
smtp max-message-size 100M
${(plan.settings ?? []).join("\n")}
table everybody { "@" = "vmail" }
listen on 127.0.0.1 port ${plan.port}${tls} hostname smtpd.holdfast.test
action "go" ${plan.relayPort === undefined ? here(folder) : onward(plan)}
match from any for domain "${plan.domain}" action "go"
`;
}

function pki({ certificate, key }: ServerFolder): string {
  return `pki primary cert "${certificate}"\npki primary key "${key}"`;
}

function here({ path }: ServerFolder): string {
  return `maildir "${path}/mail/all" virtual <everybody>`;
}

function onward({ relayPort, relayTls = "may" }: ServerPlan): string {
  const scheme = { none: "smtp+notls", may: "smtp", require: "smtp+tls" }[relayTls];
  const verify = relayTls === "require" ? " tls no-verify" : "";
  return `relay host "${scheme}://127.0.0.1:${relayPort}"${verify}`;
}
