/** Detects that a primary is this server itself, before mail is sent to it: by its address, or by its greeting. */
import { isLoopback, isUnspecified, normaliseIp } from "../../mail/network.ts";
import type { Capabilities } from "../../ports/smtp-client.ts";

/** The address of one of our own listeners. */
export interface OwnAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * Whether a target is one of our listeners. A listener on all addresses is recognised at loopback; the caller adds
 * the addresses of the other interfaces.
 */
export function isOwnAddress(ip: string, port: number, own: readonly OwnAddress[]): boolean {
  const plain = normaliseIp(ip);
  return own.some((listener) => {
    if (listener.port !== port) return false;
    const address = normaliseIp(listener.address);
    return address === plain || (isUnspecified(address) && isLoopback(plain));
  });
}

/** Whether the server that greeted has our host name. */
export function isOwnName({ name, banner }: Capabilities, hostname: string): boolean {
  const ours = hostname.toLowerCase();
  return name.toLowerCase() === ours || banner?.toLowerCase() === ours;
}
