/** Debian's rspamd with a configuration of our own: one scanning worker, no DNS, no rules but two of the test's. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { ScannerProcess } from "./scanner-process.ts";

/** What every spam scanner takes for spam. In two parts for our own peace. */
export const GTUBE = `XJS*C4JDBQADN1.NSBN3*2IDNEN*${"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL"}*C.34X`;

interface Rspamd {
  readonly process: ScannerProcess;
  readonly address: string;
}

/** `externalRelay` is the operator's `local.d/external_relay.conf`, over the one that rspamd brings. */
export async function startRspamd(externalRelay?: string): Promise<Rspamd> {
  const port = await freePort();
  const process = await ScannerProcess.start({
    peer: "rspamd",
    program: "rspamd",
    prepare: (folder, root) => prepare({ folder, root, port, externalRelay }),
    isReady: () => answersPing(port),
  });
  return { process, address: `127.0.0.1:${port}` };
}

interface Plan {
  readonly folder: string;
  readonly root: string;
  readonly port: number;
  readonly externalRelay: string | undefined;
}

async function prepare({ folder, root, port, externalRelay }: Plan): Promise<readonly string[]> {
  const [state, file, rules] = ["state", "rspamd.conf", "rules.lua"].map((name) => join(folder, name));
  await mkdir(state ?? "");
  await writeFile(join(folder, "tld"), "com\nexample\ntest\n");
  await writeFile(rules ?? "", RULES);
  const share = join(root, "usr/share/rspamd");
  const relay = join(folder, "external_relay.conf");
  if (externalRelay !== undefined) await writeFile(relay, externalRelay);
  const shipped = externalRelay === undefined ? "" : relayModule(share, relay);
  const common = configuration({ folder, state: state ?? "", rules: rules ?? "", port });
  await writeFile(file ?? "", `${common}${shipped}`);
  const variables = {
    RULESDIR: `${share}/rules`,
    LUALIBDIR: `${share}/lualib`,
    SHAREDIR: share,
    PLUGINSDIR: `${share}/plugins`,
    DBDIR: state,
    RUNDIR: state,
    LOGDIR: state,
    CONFDIR: `${root}/etc/rspamd`,
    LOCAL_CONFDIR: folder,
  };
  const given = Object.entries(variables).map(([name, value]) => `--var=${name}=${value}`);
  // As root it wants to be told that it may stay root.
  return ["-f", "-i", "-c", file ?? "", ...given];
}

function configuration(of: { folder: string; state: string; rules: string; port: number }): string {
  return `
options {
  pidfile = "${of.state}/rspamd.pid";
  control_socket = "${of.state}/control.sock mode=0600";
  filters = "regexp";
  dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 0; }
  tempdir = "${of.state}";
  url_tld = "${of.folder}/tld";
  hs_cache_dir = "${of.state}";
  history_file = "${of.state}/history";
  cache_file = "${of.state}/symbols.cache";
  task_timeout = 8s;
}
logging { type = "file"; filename = "${of.state}/log"; level = "warning"; }
lua = "${of.rules}";
actions { reject = 15; add_header = 6; greylist = 4; }
worker "normal" { bind_socket = "127.0.0.1:${of.port}"; count = 1; mime = true; }
`;
}

/** As `modules.d/external_relay.conf` has it. */
function relayModule(share: string, file: string): string {
  return `
modules { path = "${share}/plugins/external_relay.lua"; }
external_relay {
  enabled = false;
  .include(try=true,priority=1,duplicate=merge) "${file}"
}
`;
}

/** `X-Test-Score: 7` in a mail is its score; and one field to go on top. */
const RULES = `
rspamd_config:register_symbol({
  name = "TEST_SCORE", type = "normal", score = 1.0,
  callback = function(task)
    local value = task:get_header("X-Test-Score")
    task:set_milter_reply({ add_headers = { ["X-Rspamd-Test"] = "seen " .. (task:get_helo() or "nobody") } })
    if value then return true, tonumber(value) or 0 end
  end
})
`;

async function answersPing(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/ping`, { signal: AbortSignal.timeout(1000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}
