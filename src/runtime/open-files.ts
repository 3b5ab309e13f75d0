/** How many files this process may have open, and how many clients that allows. */
import { ownLimit } from "./own-limits.ts";

/**
 * Descriptors that are not for clients: database, logs, listeners, connections of the tool and to primaries, bodies in
 * files.
 */
const BESIDE_CLIENTS = 1000;
/** Those of BESIDE_CLIENTS that are always open: 73 were counted with one SMTP thread; each further thread has 8. */
const OWN = 100;

/**
 * Returns how many descriptors this process may have (Node.js raises the limit to the hard limit), or undefined if
 * unknown.
 */
export function openFiles(): number | undefined {
  return ownLimit("open files");
}

/** Returns the number of descriptors that suffices for this number of connections, whatever else goes on. */
export function filesFor(connections: number): number {
  return connections + BESIDE_CLIENTS;
}

/**
 * Returns how many of the wanted connections are admitted. Without a free descriptor the system silently drops a
 * client, and bodies and connections to primaries fail, too. So with few descriptors, half of them are for clients.
 */
export function connectionsWithin(wanted: number, files: number | undefined = openFiles()): number {
  if (files === undefined) return wanted;
  const most = Math.max(files - BESIDE_CLIENTS, Math.floor((files - OWN) / 2), 1);
  return Math.min(wanted, most);
}
