/** `tls: pin`: the primary is identified by its certificate or key, whoever signed the certificate. */
import { hash, type X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { DestinationTrouble, type Target } from "../../ports/smtp-client.ts";

/** Returns why the certificate does not match the pins; undefined if it does, or the level is not `pin`. */
export function pinTrouble(socket: Socket, { tls, pins = [] }: Target): DestinationTrouble | undefined {
  if (tls !== "pin") return undefined;
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return new DestinationTrouble("tls", "it showed no certificate to compare");
  const found = fingerprintsOf(certificate);
  if (found.some((print) => pins.includes(print))) return undefined;
  return new DestinationTrouble("tls", `neither its certificate nor its key is pinned: sha256:${found[1]}`);
}

/** SHA-256 of the certificate and of its public key, in hexadecimal. */
function fingerprintsOf({ raw, publicKey }: X509Certificate): [certificate: string, key: string] {
  return [hash("sha256", raw), hash("sha256", publicKey.export({ type: "spki", format: "der" }))];
}
