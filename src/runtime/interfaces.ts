import { networkInterfaces } from "node:os";

/** An address of this machine. */
interface InterfaceAddress {
  readonly address: string;
  /** Other machines can reach it: neither loopback nor valid on one link only. */
  readonly reachable: boolean;
}

/** The addresses of this machine as its interfaces have them. */
export function interfaceAddresses(): readonly InterfaceAddress[] {
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return all.map(({ address, internal }) => ({ address, reachable: !internal && !isLinkLocal(address) }));
}

/** RFC 3927 and RFC 4291 §2.5.6. */
function isLinkLocal(address: string): boolean {
  return address.startsWith("169.254.") || /^fe[89ab]/i.test(address);
}
