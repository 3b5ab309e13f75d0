/** The doctor of the running daemon. */
import { dnsResolver } from "../adapters/dns/dns.ts";
import type { Config } from "../config/config.ts";
import type { ControlStatus } from "../endpoints/admin/admin.ts";
import type { Foundation } from "./foundation.ts";
import { interfaceAddresses } from "../runtime/interfaces.ts";
import { Doctor } from "../services/doctor/doctor.ts";

export function openDoctor(
  { dns }: Config,
  { crew: { clock }, directory, reader }: Foundation,
  status: () => ControlStatus,
): Doctor {
  return new Doctor({
    dns: () => dnsResolver({ servers: dns.servers, clock }),
    self: () => {
      const { hostname, listening, certificates } = status();
      const addresses = interfaceAddresses().flatMap(({ address, reachable }) =>
        reachable ? [address] : [],
      );
      return { hostname, listening, certificates, addresses };
    },
    clock,
    directory,
    hasRecipients: async (domain) => (await reader.client.recipients({ domain, limit: 1 })).items.length > 0,
  });
}
