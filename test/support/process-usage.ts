/** What a process holds and has used of the processor, as Linux counts it. Megabytes are 10^6 octets. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

interface ProcessMemory {
  /** Resident at this moment. */
  readonly rss: number;
  /** The most that was resident since the last `forgetPeak`. */
  readonly peak: number;
  /** Resident, pages shared with other processes divided among them. */
  readonly pss: number;
}

export function processMemory(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return { rss: megabytes(status, "VmRSS"), peak: megabytes(status, "VmHWM"), pss: megabytes(rollup, "Pss") };
}

/** From here on `peak` is measured anew. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** Milliseconds of processor that a process has used, in its own code and in the system's. */
export function cpuTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  // Linux counts in hundredths of a second.
  return 10 * ((user ?? 0) + (system ?? 0));
}

/** Files and sockets that it has open. */
export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function megabytes(text: string, key: string): number {
  const kibibytes = Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? Number.NaN);
  return Math.round((kibibytes * 1024) / 1e6);
}
