/** The main thread's work on recipients: fetching lists, following files, and answering questions about recipients. */
import { httpLists } from "../adapters/http-lists/http-lists.ts";
import { openRecipientMemory } from "../adapters/storage/sqlite/sqlite.ts";
import type { Config } from "../config/config.ts";
import type { RecipientCheckBody } from "../endpoints/admin/contract.ts";
import type { Foundation } from "./foundation.ts";
import { ListFiles, type ListFileParts } from "./list-files.ts";
import type { KnownPrimaries } from "../ports/health.ts";
import type { DomainRecord } from "../ports/directory.ts";
import { checkRecipient } from "./recipient-check.ts";
import type { Directory } from "../services/directory/directory.ts";
import { Fetches, type FetchStatus } from "../services/recipients/recipients.ts";

/** Ms between two looks at files and due lists. */
const LOOK_EVERY = 5000;

export interface RecipientSources {
  /** Says how a client would be answered for an address. */
  check(address: string): Promise<RecipientCheckBody>;
  fetched(domain: string): FetchStatus | undefined;
  /** Says why the file of a domain could not be used. */
  fileTrouble(domain: string): string | undefined;
}

interface SourceParts extends Pick<ListFileParts, "alter"> {
  readonly config: () => Config;
  readonly primaries: () => Promise<KnownPrimaries>;
}

/** Adds its jobs to the schedule; `stack` ends the rest. */
export function openRecipientSources(
  { crew, storage, editor, directory, schedule }: Foundation,
  stack: AsyncDisposableStack,
  { config, alter, primaries }: SourceParts,
): RecipientSources {
  const { clock, sink } = crew;
  const memory = openRecipientMemory({ folder: config().storage.folder, shared: storage.shared });
  stack.defer(() => memory.close());
  const fetches = new Fetches({
    domains: () => fetching(config(), directory),
    server: httpLists({ clock, environment: process.env }),
    records: storage.control,
    replace: async (change) => (await editor.changeRecipients(change)).after,
    journal: sink,
    clock,
  });
  // Runs before the schedule waits for its jobs.
  stack.defer(() => fetches.stop());
  const files = new ListFiles({ clock, editor, journal: sink, alter });
  const fetched = (domain: string): FetchStatus | undefined => fetches.status(domain);
  schedule.add({ name: "fetch recipients", every: LOOK_EVERY, run: () => fetches.look() });
  schedule.add({ name: "follow recipient files", every: LOOK_EVERY, run: () => files.look() });
  void fetches.look().catch(() => undefined);
  const known = { directory, memory, clock, primaries, fetched };
  return {
    check: (address) => checkRecipient(address, known),
    fetched,
    fileTrouble: (domain) => files.trouble(domain),
  };
}

/** Returns the domains with a list to fetch; only declared domains can have one. */
function fetching({ domains }: Config, directory: Directory): readonly DomainRecord[] {
  const generation = directory.generation();
  const names = domains.filter(({ settings }) => settings.fetched !== undefined).map(({ name }) => name);
  return names.flatMap((name) => directory.domain(name, generation) ?? []);
}
