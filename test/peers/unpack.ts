/**
 * Puts real mail programs from Debian beside this checkout without installing them: `npm run peers [NAME...]`.
 *
 * Debian's mail servers conflict with each other, so that each is unpacked into a root of its own, `.peers/NAME`,
 * together with the libraries that this machine lacks. Nothing outside that folder is changed. Tests that need one
 * that is not there say so and are skipped.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** What to unpack, by the name of its folder. */
const UNPACKED: Readonly<Record<string, readonly string[]>> = {
  exim: ["exim4-daemon-light", "exim4-base"],
  opensmtpd: ["opensmtpd"],
  clamav: ["clamav-daemon"],
  rspamd: ["rspamd"],
  nmap: ["nmap"],
  rbldnsd: ["rbldnsd"],
  mutt: ["mutt"],
};

const PEERS_FOLDER = resolve(import.meta.dirname, "../../.peers");

if (import.meta.main) unpackAll(process.argv.slice(2));

/** What cannot be had is told, and does not keep the others from coming. */
function unpackAll(names: readonly string[]): void {
  for (const name of names.length > 0 ? names : Object.keys(UNPACKED)) {
    try {
      console.log(`${name}: ${bring(name)}`);
    } catch (error) {
      console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
}

function bring(name: string): string {
  const packages = UNPACKED[name];
  if (packages === undefined) throw new Error(`no such peer; there are: ${Object.keys(UNPACKED).join(", ")}`);
  const root = join(PEERS_FOLDER, name);
  return existsSync(root) ? "is there" : `${unpack(packages, root)} packages in ${root}`;
}

/** All or nothing: the folder appears when it is whole. Answers how many packages it holds. */
function unpack(packages: readonly string[], root: string): number {
  const wanted = missingHere(packages);
  mkdirSync(PEERS_FOLDER, { recursive: true });
  const building = mkdtempSync(join(PEERS_FOLDER, ".building-"));
  const archives = mkdtempSync(join(tmpdir(), "holdfast-peers-"));
  try {
    writeFileSync(join(archives, "packages"), wanted.join("\n"));
    execFileSync("apt-get", ["download", "-q", "-o", "APT::Sandbox::User=root", ...wanted], {
      cwd: archives,
      stdio: "ignore",
    });
    const files = readdirSync(archives).filter((file) => file.endsWith(".deb"));
    for (const file of files) execFileSync("dpkg-deb", ["-x", join(archives, file), building]);
    renameSync(building, root);
    return files.length;
  } finally {
    rmSync(archives, { recursive: true, force: true });
    rmSync(building, { recursive: true, force: true });
  }
}

/** The packages and what they depend on, without what is installed; the simulation changes nothing. */
function missingHere(packages: readonly string[]): readonly string[] {
  const plan = execFileSync("apt-get", ["install", "-s", "-q", "--no-install-recommends", ...packages], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const listed = [...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? "");
  return [...new Set([...packages, ...listed])];
}
