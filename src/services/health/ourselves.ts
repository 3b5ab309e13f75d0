/** How a primary that is ourselves is known before mail is sent to it: by its address, or by the name that it greets with. */
import { isLoopback, isUnspecified, normaliseIp } from "../../mail/network.ts";
import type { Capabilities } from "../../ports/smtp-client.ts";

/** One of our own listeners. */
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

/** Whether whoever greeted has our name. */
export function isOwnName({ name, banner }: Capabilities, hostname: string): boolean {
  const ours = hostname.toLowerCase();
  return name.toLowerCase() === ours || banner?.toLowerCase() === ours;
}
