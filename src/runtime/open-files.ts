/** How many files this process may have open, and how many clients find room in that. */
import { ownLimit } from "./own-limits.ts";

/** The database, logs, listeners, the tool's connections, primaries, and bodies that lie in files. */
const BESIDE_CLIENTS = 1000;
/** Those of them that are open in any case: 73 were counted with one SMTP thread, and each further one has 8. */
const OWN = 100;

/** Descriptors that this process may have; Node.js has raised it to the hard limit. Undefined where it cannot be told. */
export function openFiles(): number | undefined {
  return ownLimit("open files");
}

/** Descriptors with which all these connections are served, whatever else goes on. */
export function filesFor(connections: number): number {
  return connections + BESIDE_CLIENTS;
}

/**
 * Connections that are let in where so many are wanted. A client for whom there is no descriptor is cut off by the
 * system without a word, and so are bodies and primaries: where files are few, half of them are for clients.
 */
export function connectionsWithin(wanted: number, files: number | undefined = openFiles()): number {
  if (files === undefined) return wanted;
  const most = Math.max(files - BESIDE_CLIENTS, Math.floor((files - OWN) / 2), 1);
  return Math.min(wanted, most);
}
