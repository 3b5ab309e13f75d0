/** The SMTP side on a free port of 127.0.0.1, over a store and a directory that live in memory. */
import { Acceptor } from "../../src/services/queue/queue.ts";
import type { Accepted, BodyWriter, Intake, NewMail } from "../../src/ports/intake.ts";
import type { StoreCondition } from "../../src/ports/store-condition.ts";
import type { DomainRecord, DomainSettings, RecipientHit } from "../../src/ports/directory.ts";
import type { ClientEvent, JournalEvent } from "../../src/ports/journal.ts";
import { ConnectionTable } from "../../src/runtime/connection-table.ts";
import { systemClock, type Clock } from "../../src/runtime/clock.ts";
import { idSource } from "../../src/runtime/ids.ts";
import { clientTables } from "../../src/runtime/client-tables.ts";
import { rateMemory, RateTable } from "../../src/runtime/rate-table.ts";
import { ClientRates } from "../../src/endpoints/smtp/client-rates.ts";
import { loggerTo } from "../../src/runtime/log.ts";
import { mailAuthenticator } from "../../src/adapters/authentication/authentication.ts";
import { dnsBlocklists, dnsResolver } from "../../src/adapters/dns/dns.ts";
import type { Greylist } from "../../src/ports/greylist.ts";
import type { CheckSettings } from "../../src/ports/checks.ts";
import type { Inspection } from "../../src/ports/inspection.ts";
import { signatureInspection } from "../../src/services/policy/inspections/signatures.ts";
import type { Check, Policy } from "../../src/services/policy/policy.ts";
import { recipientsOf } from "./recipient-notes.ts";
import { memoryGreylist, quietPolicy } from "./quiet-policy.ts";
import { DOMAIN, LIMITS, SETTINGS } from "./smtp-settings.ts";
import type { SmtpLimits } from "../../src/ports/smtp-limits.ts";
import { startSmtp, type SmtpEndpoint, type SmtpSettings } from "../../src/endpoints/smtp/smtp.ts";

/** A mail as the store got it. */
export interface StoredMail extends NewMail {
  readonly body: Buffer;
}

/** Keeps everything; refuses what a test tells it to. */
class MemoryIntake implements Intake {
  readonly mails: StoredMail[] = [];
  readonly open = new Set<BodyWriter>();
  state: StoreCondition = "ok";
  free = 1e12;
  answer: Accepted = { kind: "accepted" };
  /** Runs before each write of a body; may throw or wait. */
  onWrite: (chunk: Buffer) => Promise<void> | undefined = () => undefined;
  /** Runs before each accept. */
  onAccept: () => Promise<void> = () => Promise.resolve();
  readonly #bodies = new Map<BodyWriter, Buffer[]>();

  openBody(): BodyWriter {
    const chunks: Buffer[] = [];
    const writer = {
      size: 0,
      write: (chunk: Buffer): Promise<void> | undefined => {
        writer.size += chunk.length;
        chunks.push(Buffer.from(chunk));
        // A store need not copy before it has looked; nobody may look at it again.
        chunk.fill(0xff);
        return this.onWrite(chunk);
      },
      read: async function* (): AsyncGenerator<Buffer> {
        yield* chunks.map((chunk) => Buffer.from(chunk));
      },
      abort: (): void => void this.open.delete(writer),
    };
    this.#bodies.set(writer, chunks);
    this.open.add(writer);
    return writer;
  }

  async accept(mail: NewMail, body: BodyWriter): Promise<Accepted> {
    await this.onAccept();
    if (this.answer.kind !== "accepted") return this.answer;
    const whole = Buffer.concat(this.#bodies.get(body) ?? []);
    this.#bodies.delete(body);
    this.open.delete(body);
    this.mails.push({ ...mail, body: whole });
    return this.answer;
  }

  condition(): StoreCondition {
    return this.state;
  }

  room(): number {
    return this.free;
  }
}

export interface TestDomain {
  readonly name: string;
  readonly recipients?: readonly string[];
  readonly settings?: Partial<DomainSettings>;
  readonly draining?: boolean;
}

export const DOMAINS: readonly TestDomain[] = [
  { name: "our.test", recipients: ["alice", "bob", "list-*"] },
  { name: "strict.test", recipients: ["alice"], settings: { bareNewlines: "reject" } },
  { name: "all.test", settings: { catchAll: true, tagSeparator: "" } },
  { name: "xn--bcher-kva.example", recipients: ["user"] },
  { name: "leaving.test", recipients: ["alice"], draining: true },
];

/** A directory whose generation can be moved by replacing `domains`. */
export class MemoryDirectory {
  #domains: Map<string, DomainRecord>[] = [];
  readonly #lists = new Map<string, readonly string[]>();

  constructor(domains: readonly TestDomain[] = DOMAINS) {
    this.change(domains);
  }

  change(domains: readonly TestDomain[]): void {
    for (const { name, recipients = [] } of domains) this.#lists.set(name, recipients);
    this.#domains.push(new Map(domains.map((domain) => [domain.name, record(domain)])));
  }

  generation(): number {
    return this.#domains.length - 1;
  }

  domain(name: string, generation: number): DomainRecord | undefined {
    return this.#domains[generation]?.get(name);
  }

  recipient({ name }: DomainRecord, local: string): RecipientHit | undefined {
    const list = this.#lists.get(name) ?? [];
    const fits = (pattern: string): boolean =>
      pattern.endsWith("*") ? local.startsWith(pattern.slice(0, -1)) : local === pattern;
    const pattern = list.find((entry) => entry === local) ?? list.find(fits);
    return pattern === undefined ? undefined : { pattern, origin: "file" };
  }
}

function record({ name, settings, draining = false }: TestDomain): DomainRecord {
  return { name, origin: "file", settings: { ...DOMAIN, ...settings }, paused: false, draining };
}

export interface BenchOptions {
  readonly settings?: Partial<SmtpSettings>;
  readonly limits?: Partial<SmtpLimits>;
  readonly domains?: readonly TestDomain[];
  readonly checks?: readonly Check[];
  readonly inspections?: readonly Inspection[];
  /** Settings of the checks; lists are asked of `dnsServer`. */
  readonly checkSettings?: CheckSettings;
  readonly dnsServer?: string;
  /** Names of primaries that are up, by domain. */
  readonly primariesUp?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
}

export interface Bench extends AsyncDisposable {
  readonly endpoint: SmtpEndpoint;
  readonly intake: MemoryIntake;
  readonly directory: MemoryDirectory;
  readonly events: JournalEvent[];
  readonly errors: string[];
  /** Domains that ETRN asked for. */
  readonly flushed: string[];
  readonly settings: SmtpSettings;
  /** Open connections, as its one thread counts them. */
  readonly connections: ConnectionTable;
  readonly port: number;
  refusals(): ClientEvent[];
}

/** The parts of an endpoint that need no socket. */
export function benchParts(options: BenchOptions = {}) {
  const clock = options.clock ?? systemClock();
  const events: JournalEvent[] = [];
  const errors: string[] = [];
  const flushed: string[] = [];
  const intake = new MemoryIntake();
  const directory = new MemoryDirectory(options.domains);
  const journal = { record: (event: JournalEvent): void => void events.push(event) };
  const log = loggerTo((level, message, fields) => {
    if (level === "error") errors.push(`${message} ${String(fields["stack"] ?? fields["why"] ?? "")}`);
  });
  const { checkSettings = { dnsbl: "off" }, dnsServer = "127.0.0.1:9" } = options;
  const dnsbl = {
    blocklists: dnsBlocklists({ servers: [dnsServer], clock }),
    isSound: (): boolean => true,
  };
  const resolver = dnsResolver({ servers: [dnsServer], clock, hosts: "/dev/null" });
  const authenticator = mailAuthenticator({ resolver, hostname: "mx.us", log, clock });
  const signatures = signatureInspection({ authenticator, settings: () => checkSettings });
  const policyOver = (memory: Greylist): Policy =>
    quietPolicy({
      recipients: recipientsOf(directory),
      settings: () => checkSettings,
      greylist: { memory, longAway: () => false },
      reachability: { memory, primaryUp: (domain) => options.primariesUp?.[domain] },
      resolver,
      authenticator,
      dnsbl,
      clock,
      log,
      ...(options.checks !== undefined && { checks: options.checks }),
      inspections: [signatures, ...(options.inspections ?? [])],
    });
  const memory = memoryGreylist();
  const policy = policyOver(memory);
  const sandbox = policyOver({ ...memory, note: () => undefined });
  const acceptor = new Acceptor({ intake, clock, journal, nextId: idSource(() => clock.now()) });
  const settings = { ...SETTINGS, limits: { ...LIMITS, ...options.limits }, ...options.settings };
  const table = new RateTable(rateMemory(), 0);
  const rates = new ClientRates({ table, clock, settings: () => settings });
  return {
    rates,
    clock,
    events,
    errors,
    flushed,
    intake,
    directory,
    journal,
    log,
    policy,
    sandbox,
    acceptor,
    settings,
    offers: () => undefined,
    flushes: { ask: () => true },
  };
}

export async function startBench(options: BenchOptions = {}): Promise<Bench> {
  const parts = benchParts(options);
  const clients = clientTables(1);
  const endpoint = await startSmtp({
    ...parts,
    clients,
    thread: 0,
    flush: (domain) => void parts.flushed.push(domain),
  });
  return {
    ...parts,
    endpoint,
    connections: new ConnectionTable(clients.connections, 0),
    port: endpoint.addresses[0]?.port ?? 0,
    refusals: () => parts.events.filter((event) => event.kind === "client.refused"),
    [Symbol.asyncDispose]: () => endpoint.stop(0),
  };
}
