/**
 * Scanners of bodies: clamd over INSTREAM, rspamd over HTTP. The servers of a scanner are tried in the configured
 * order. Each thread remembers the state of each server (server.ts), and does not use one that fails repeatedly for a
 * while.
 *
 * Invariants: no response of a server is trusted: its size is bounded, and a response that arrives before the end of
 * the body or is malformed is a failure. If no server answers in time, the result is `away`, never `clean`.
 */
import type { ScanServers } from "../../ports/checks.ts";
import type { InspectedMail } from "../../ports/inspection.ts";
import type { Journal, ScannerName } from "../../ports/journal.ts";
import type { Scan, Scanner, SpamScanner, VirusScanner } from "../../ports/scanner.ts";
import type { Clock } from "../../runtime/clock.ts";
import { BodyScan } from "./body-scan.ts";
import { ClamdExchange } from "./clamd.ts";
import type { Exchange } from "./exchange.ts";
import { RspamdExchange } from "./rspamd.ts";
import { Server } from "./server.ts";

interface ScannerParts {
  readonly clock: Clock;
  /** Records when a server is suspended, and when it answers again. */
  readonly journal: Journal;
}

export function clamd(parts: ScannerParts): VirusScanner {
  return new Pool("clamav", parts, (server) => new ClamdExchange(server));
}

export function rspamd(parts: ScannerParts): SpamScanner {
  return new Pool("rspamd", parts, (server, mail) => new RspamdExchange(server, mail));
}

class Pool<R> implements Scanner<R> {
  readonly #name: ScannerName;
  readonly #parts: ScannerParts;
  readonly #connect: (server: string, mail: InspectedMail) => Exchange<R>;
  /** By address; one for each server that a configuration has named. */
  readonly #servers = new Map<string, Server>();

  constructor(
    name: ScannerName,
    parts: ScannerParts,
    connect: (server: string, mail: InspectedMail) => Exchange<R>,
  ) {
    this.#name = name;
    this.#parts = parts;
    this.#connect = connect;
  }

  open(mail: InspectedMail, settings: ScanServers): Scan<R> {
    const { clock } = this.#parts;
    const servers = settings.servers.map((address) => this.#server(address));
    const connect = (server: Server): Exchange<R> => this.#connect(server.address, mail);
    return new BodyScan({ clock, servers, settings, connect }, mail);
  }

  #server(address: string): Server {
    const known = this.#servers.get(address);
    if (known !== undefined) return known;
    const server = new Server(address, this.#parts.clock, (why) => this.#tell(address, why));
    this.#servers.set(address, server);
    return server;
  }

  #tell(server: string, why: string | undefined): void {
    const event = { scanner: this.#name, server };
    if (why === undefined) this.#parts.journal.record({ kind: "scanner.back", ...event });
    else this.#parts.journal.record({ kind: "scanner.away", ...event, why });
  }
}
