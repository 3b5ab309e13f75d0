/** Debian's nmap (`npm run peers nmap`), against one port of one loopback address. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { findUnpacked, skipWithoutUnpacked } from "./unpacked.ts";

/** For the options of `test()`. */
export function skipWithoutNmap(): string | false {
  return skipWithoutUnpacked("nmap", "nmap");
}

/** Runs these scripts; answers what nmap prints. Names are not looked up, and whole connections are made. */
export async function runNmap(
  place: { readonly address: string; readonly port: number },
  scripts: readonly string[],
  scriptArguments: readonly string[] = [],
): Promise<string> {
  const found = findUnpacked("nmap", "nmap");
  if (found === undefined) throw new Error("npm run peers nmap");
  const { path, root, env } = found;
  const libraries = join(root, "usr/lib/x86_64-linux-gnu");
  const args = ["-n", "-Pn", "-sT", "-p", String(place.port), "--script", scripts.join(",")];
  if (scriptArguments.length > 0) args.push("--script-args", scriptArguments.join(","));
  const { stdout } = await promisify(execFile)(path, [...args, place.address], {
    env: {
      ...env,
      NMAPDIR: join(root, "usr/share/nmap"),
      LUA_PATH: join(root, "usr/share/lua/5.3/?.lua"),
      LUA_CPATH: join(libraries, "lua/5.3/?.so"),
      LD_LIBRARY_PATH: `${env["LD_LIBRARY_PATH"] ?? ""}:${join(libraries, "blas")}:${join(libraries, "lapack")}`,
    },
    timeout: 60_000,
  });
  return stdout;
}
