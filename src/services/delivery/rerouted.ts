import { domainOfKey, placeOfKey } from "../../mail/delivery-key.ts";
import { parseHostPort } from "../../mail/network.ts";
import type { DirectoryReader, DomainRecord } from "../../ports/directory.ts";

/** The record of a delivery key: the domain's own, or with the place that an operator named for its primary. */
export function recordOf(key: string, directory: DirectoryReader): DomainRecord | undefined {
  const record = directory.domain(domainOfKey(key), directory.generation());
  const place = parseHostPort(placeOfKey(key) ?? "");
  if (record === undefined || place === undefined) return record;
  const primaries = [{ ...place, preference: 0, tls: "opportunistic" as const }];
  // A pause is about the domain's own primaries: this mail was sent round them.
  return { ...record, paused: false, settings: { ...record.settings, primaries } };
}
