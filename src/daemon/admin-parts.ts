/** Assembles what the admin endpoint needs: the foundation's readers and writers, and what the running daemon knows. */
import { traceLine, type Gauges } from "../adapters/journal/journal.ts";
import type { Config } from "../config/config.ts";
import { openDoctor } from "./doctor-parts.ts";
import type { AdminParts, ControlStatus } from "../endpoints/admin/admin.ts";
import type { Foundation } from "./foundation.ts";
import type { RecipientSources } from "./recipient-sources.ts";
import { Tokens } from "../services/tokens/tokens.ts";

/** What only the running daemon can answer or do. */
interface Running extends Pick<
  AdminParts,
  "status" | "primaries" | "resume" | "rehearse" | "reload" | "explain" | "rules" | "declaredRules"
> {
  status(): ControlStatus;
  loopDelays(): Gauges["delays"];
  readonly sources: RecipientSources;
}

export function adminParts(config: Config, foundation: Foundation, running: Running): AdminParts {
  const { storage, reader, editor, crew } = foundation;
  const { sources } = running;
  const { sink, clock } = crew;
  return {
    ...running,
    socket: config.admin.socket,
    ...(config.admin.listen !== undefined && { listen: config.admin.listen }),
    queue: reader.client,
    operator: storage.control,
    directory: reader.client,
    editor,
    doctor: openDoctor(config, foundation, () => running.status()),
    checkRecipient: (address) => sources.check(address),
    fetched: (domain) => sources.fetched(domain),
    fileTrouble: (domain) => sources.fileTrouble(domain),
    trace: {
      trace: async (request) => {
        await sink.flushTrace();
        return (await reader.client.trace(request)).map(traceLine);
      },
    },
    senders: {
      allowSender: (sender) => storage.control.allowSender(sender),
      disallowSender: (sender) => storage.control.disallowSender(sender),
      allowedSenders: () => reader.client.allowedSenders(),
    },
    tokens: new Tokens(storage.control, clock),
    metrics: () => sink.metrics(gauges(foundation, running)),
    journal: sink,
    clock,
    log: sink.log,
  };
}

function gauges({ reader: { client } }: Foundation, running: Running): Gauges {
  const queue = Promise.all([client.counts(), client.quarantined()]);
  return {
    ...running.status(),
    queue: queue.then(([counts, quarantined]) => ({ counts, quarantined })),
    primaries: running.primaries(),
    delays: running.loopDelays(),
  };
}
