import { networkInterfaces } from "node:os";

/** An address of this machine. */
interface InterfaceAddress {
  readonly address: string;
  /** True if other machines can reach it: it is neither loopback nor link-local. */
  readonly reachable: boolean;
}

/** Returns the addresses of this machine's interfaces. */
export function interfaceAddresses(): readonly InterfaceAddress[] {
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return all.map(({ address, internal }) => ({ address, reachable: !internal && !isLinkLocal(address) }));
}

/** RFC 3927 and RFC 4291 §2.5.6. */
function isLinkLocal(address: string): boolean {
  return address.startsWith("169.254.") || /^fe[89ab]/i.test(address);
}
