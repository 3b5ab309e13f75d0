/** A DNS in which each client 127.x.y.z has a name, each sender a domain with SPF, and lists know nobody. */
import { fakeDns, type FakeDns, type Records, type Zones } from "./fake-dns.ts";

/** Three lists that pass the test of RFC 5782. */
export const LISTS = ["one.bl.test", "two.bl.test", "three.bl.test"] as const;
export const SENDER_DOMAIN = "sender.test";

const FOUND = /^2\.0\.0\.127\.(?:one|two|three)\.bl\.test$/;
const POINTER = /^(\d+)\.(\d+)\.(\d+)\.127\.in-addr\.arpa$/;
const HOST = /^h-(\d+)-(\d+)-(\d+)\.sender\.test$/;
/** Seconds. */
const TTL = 600;

/** Answers each question after `delay` ms. */
export function clientWorld(delay: number): Promise<FakeDns> {
  const zones = new Proxy<Zones>(
    {},
    { get: (_none, name) => (typeof name === "string" ? recordsOf(name) : undefined) },
  );
  return fakeDns(zones, delay);
}

function recordsOf(name: string): Records | undefined {
  if (FOUND.test(name)) return { A: ["127.0.0.2"], ttl: TTL };
  if (name === SENDER_DOMAIN) {
    const MX = [{ preference: 10, exchange: `mx.${SENDER_DOMAIN}` }];
    return { MX, TXT: ["v=spf1 ip4:127.0.0.0/8 -all"], ttl: TTL };
  }
  const pointer = POINTER.exec(name);
  if (pointer !== null)
    return { PTR: [`h-${pointer[3]}-${pointer[2]}-${pointer[1]}.${SENDER_DOMAIN}`], ttl: TTL };
  const host = HOST.exec(name);
  return host === null ? undefined : { A: [`127.${host[1]}.${host[2]}.${host[3]}`], ttl: TTL };
}
