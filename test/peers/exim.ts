/** Debian's Exim 4 (`npm run peers exim`): a primary with a maildir, or a sender that passes mail on. */
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { skipWithoutMerged } from "./merged-root.ts";
import { type ServerFolder, serverFolder, type ServerPlan, UnpackedServer } from "./unpacked-server.ts";

/** For the options of `test()`. */
export function skipWithoutExim(): string | false {
  return skipWithoutMerged("exim", "exim4");
}

/** `settings` are main options, such as `acl_smtp_mail = ...` or `chunking_advertise_hosts =`. */
export async function startExim(plan: ServerPlan): Promise<UnpackedServer> {
  const folder = await serverFolder("exim", plan.certificate);
  const file = join(folder.path, "exim.conf");
  await writeFile(file, configuration(plan, folder), { mode: 0o644 });
  // It reads its key as its own user.
  if (plan.certificate !== undefined) await chmod(folder.key, 0o644);
  const command = ["/usr/sbin/exim4", "-C", file, "-bdf", "-q1s"] as const;
  const accounts = ["Debian-exim"];
  return UnpackedServer.start(plan.port, { peer: "exim", command: [...command], accounts }, folder.path);
}

function configuration(plan: ServerPlan, folder: ServerFolder): string {
  const { path } = folder;
  return `primary_hostname = exim.holdfast.test
spool_directory = ${path}/spool
log_file_path = ${path}/log/%slog
log_selector = +all_parents +received_recipients +tls_cipher +tls_certificate_verified
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${plan.port}
pid_file_path = ${path}/exim.pid
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 200
smtp_accept_max_per_connection = 10000
smtp_accept_queue_per_connection = 0
received_headers_max = 110
header_maxsize = 10M
message_size_limit = 100M
accept_8bitmime = true
allow_utf8_domains = true
smtputf8_advertise_hosts = *
chunking_advertise_hosts = *
dsn_advertise_hosts = *
bounce_return_size_limit = 1M
untrusted_set_sender = *
${plan.certificate === undefined ? "tls_advertise_hosts =" : tlsOptions(folder)}
acl_smtp_rcpt = acl_rcpt
${(plan.settings ?? []).join("\n")}

begin acl
acl_rcpt:
  accept domains = ${plan.domain}
  deny message = not here

begin routers
${plan.relayPort === undefined ? HERE : ONWARD}

begin transports
maildir:
  driver = appendfile
  directory = ${path}/mail/all
  maildir_format
  create_directory
  user = Debian-exim
  return_path_add
  envelope_to_add
onward:
  driver = smtp
  port = ${plan.relayPort ?? 25}
  allow_localhost
  hosts_try_chunking = *
  connection_max_messages = 0
${relayTls(plan.relayTls ?? "may")}

begin retry
* * F,1h,1s
`;
}

function tlsOptions({ certificate, key }: ServerFolder): string {
  return `tls_advertise_hosts = *\ntls_certificate = ${certificate}\ntls_privatekey = ${key}`;
}

const HERE = "here:\n  driver = accept\n  transport = maildir";
const ONWARD =
  "onward:\n  driver = manualroute\n  route_list = * 127.0.0.1 byname\n  self = send\n  transport = onward";

function relayTls(tls: NonNullable<ServerPlan["relayTls"]>): string {
  const common = "  tls_verify_certificates =\n  tls_try_verify_hosts =";
  if (tls === "none") return `  hosts_avoid_tls = *\n${common}`;
  return tls === "require" ? `  hosts_require_tls = *\n${common}` : common;
}
