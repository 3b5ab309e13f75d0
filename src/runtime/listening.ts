import { createServer } from "node:net";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The address cannot be listened on; the message tells the operator why, and what to do. */
export class CannotListen extends Error {
  override readonly name = "CannotListen";
}

/**
 * Binds the address once, without `reusePort`, and releases it: sockets opened with `reusePort` would silently share a
 * port that another program uses. Resolves with the port, which matters if port 0 was requested. Rejects with
 * CannotListen.
 */
export async function probeListen(address: string, port: number): Promise<number> {
  const server = createServer();
  const bound = Promise.withResolvers<number>();
  server.once("error", (error: NodeJS.ErrnoException) => bound.reject(explainListen(error, address, port)));
  server.listen({ host: address, port, exclusive: true, ipv6Only: address.includes(":") }, () => {
    const actual = server.address();
    server.close(() => bound.resolve(typeof actual === "object" && actual !== null ? actual.port : port));
  });
  return bound.promise;
}

/** Converts the system's error to a sentence with the place, the cause and the remedy. */
export function explainListen(error: NodeJS.ErrnoException, address: string, port: number): CannotListen {
  const place = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  switch (error.code) {
    case "EADDRINUSE":
      return new CannotListen(
        `cannot listen on ${place}: ${holderOf(port)}; stop it or choose another port in the configuration`,
      );
    case "EACCES":
      return new CannotListen(
        `cannot listen on ${place}: ports below 1024 need a privilege; give it with ` +
          `AmbientCapabilities=CAP_NET_BIND_SERVICE (as config/holdfast.service does), in a container with ` +
          `NET_BIND_SERVICE and without no-new-privileges (as config/compose.yaml does), or choose a port above 1023`,
      );
    case "EADDRNOTAVAIL":
      return new CannotListen(
        `cannot listen on ${place}: this machine does not have that address; use one of its own, 0.0.0.0 or [::]`,
      );
    case "EAFNOSUPPORT":
      return new CannotListen(
        `cannot listen on ${place}: IPv6 is switched off on this machine; take that address out of the configuration`,
      );
    default:
      return new CannotListen(`cannot listen on ${place}: ${error.message}`);
  }
}

/** Describes the process that holds a TCP port, as far as /proc shows it to this user. */
function holderOf(port: number): string {
  const inodes = listeningInodes(port);
  if (inodes.size === 0) return "another program holds the port";
  for (const pid of entries("/proc").filter((name) => /^\d+$/.test(name))) {
    const held = entries(`/proc/${pid}/fd`).some((fd) => inodes.has(socketInode(`/proc/${pid}/fd/${fd}`)));
    if (held) return `process ${pid} (${commandName(pid)}) holds the port`;
  }
  return "a program of another user holds the port";
}

const LISTEN = "0A";
/** Most characters of a command that a message shows. */
const LONGEST_NAME = 200;

function listeningInodes(port: number): Set<string> {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const rows = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => text(file).split("\n").slice(1));
  const columns = rows.map((row) => row.trim().split(/\s+/));
  const matching = columns.filter((column) => column[1]?.endsWith(`:${hex}`) && column[3] === LISTEN);
  return new Set(matching.map((column) => column[9] ?? ""));
}

function socketInode(link: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1] ?? "none";
  } catch {
    return "none";
  }
}

/**
 * Returns the program and its first argument, which is what an interpreter runs; for Node.js, the first argument after
 * its options. Further arguments may contain secrets.
 */
function commandName(pid: string): string {
  const [program = "", ...words] = text(`/proc/${pid}/cmdline`).split("\0");
  const isNode = /(?:^|\/)node$/.test(program);
  const first = words.find((word) => !isNode || !word.startsWith("--")) ?? "";
  return `${program} ${first}`.trim().slice(0, LONGEST_NAME) || "unknown";
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function text(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
