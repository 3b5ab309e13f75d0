/**
 * Runs a mail server of `.peers/NAME` as if its package were installed: in namespaces of its own, over a root that
 * is this machine's with the package's files on top. So fixed paths, users and helpers are where it looks for
 * them, and the machine sees nothing of it. All its processes end with the one that is spawned here: the shell
 * stays, because a set-user-ID program as the first process would survive it. Needs root.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findUnpacked, skipWithoutUnpacked } from "./unpacked.ts";

export interface MergedPlan {
  readonly peer: string;
  /** Program within the root, such as `/usr/sbin/exim4`, and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** Seen at the same path inside; holds what the test reads. */
  readonly folder: string;
  /** Users, each with a group of the same name, that the package would have made. */
  readonly accounts: readonly string[];
}

/** Ids that no distribution gives away. */
const FIRST_ID = 64_800;
/** $1: folder, $2: the peer's root; then the command. Where /lib is a link, what lies in lib/ belongs below usr/. */
const SCRIPT = `set -e
base=$1/root; peer=$2; folder=$1; shift 2
mount -t tmpfs none $base
mkdir $base/merged $base/top $base/work
cp -a $peer/. $base/top
for name in bin sbin lib lib64; do
  [ -L /$name ] && [ -d $base/top/$name ] || continue
  mkdir -p $base/top/usr/$name; cp -a $base/top/$name/. $base/top/usr/$name; rm -r $base/top/$name
done
mount -t overlay overlay -o lowerdir=/,upperdir=$base/top,workdir=$base/work $base/merged
cat $folder/passwd >> $base/merged/etc/passwd
cat $folder/group >> $base/merged/etc/group
echo 'nameserver 127.0.0.1' > $base/merged/etc/resolv.conf
mount --rbind /dev $base/merged/dev
mount -t proc proc $base/merged/proc
mount --bind $folder $base/merged$folder
chroot $base/merged "$@" &
wait $!
`;

/** For the options of `test()`: a reason to skip, told on stderr, or false. */
export function skipWithoutMerged(peer: string, program: string): string | false {
  const missing = skipWithoutUnpacked(peer, program);
  if (missing !== false || mayUnshare()) return missing;
  const reason = `${peer} needs root and namespaces of its own (unshare --mount --pid)`;
  process.stderr.write(`\nSKIPPED, a real peer cannot start: ${reason}\n`);
  return reason;
}

/** Spawns it in the foreground; SIGKILL to the child ends all of its processes. */
export async function spawnMerged(plan: MergedPlan): Promise<ChildProcess> {
  const [program] = plan.command;
  const found = findUnpacked(plan.peer, program.split("/").at(-1) ?? "");
  if (found === undefined) throw new Error(`npm run peers ${plan.peer}`);
  const ids = plan.accounts.map((name, n) => ({ name, id: FIRST_ID + n }));
  await writeFile(join(plan.folder, "passwd"), lines(ids.map(passwdLine)));
  await writeFile(join(plan.folder, "group"), lines(ids.map(({ name, id }) => `${name}:x:${id}:`)));
  await mkdir(join(plan.folder, "root"));
  const inside = ["sh", "-c", SCRIPT, "sh", plan.folder, found.root, ...plan.command];
  const own = ["--mount", "--pid", "--fork", "--kill-child=SIGKILL"];
  return spawn("unshare", [...own, ...inside], { stdio: ["ignore", "pipe", "pipe"] });
}

function passwdLine({ name, id }: { name: string; id: number }): string {
  return `${name}:x:${id}:${id}::/nonexistent:/usr/sbin/nologin`;
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}

let allowed: boolean | undefined;

function mayUnshare(): boolean {
  allowed ??= process.getuid?.() === 0 && succeeds("unshare", ["--mount", "--pid", "--fork", "true"]);
  return allowed;
}

function succeeds(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, [...args], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
