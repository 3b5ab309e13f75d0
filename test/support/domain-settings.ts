import type { DomainSettings, Primary } from "../../src/ports/directory.ts";

/** What a domain has that sets nothing but its primaries. */
export function domainSettings(...primaries: readonly Primary[]): DomainSettings {
  return {
    mode: "backup",
    primaries,
    catchAll: false,
    tagSeparator: "+",
    unknownDuringOutage: "accept",
    bareNewlines: "normalise",
  };
}
