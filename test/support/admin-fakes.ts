/** What the admin endpoint is given, in memory: a queue of three recipients, two domains, one primary. */
import { ManualClock } from "./manual-clock.ts";
import { Readable } from "node:stream";
import type { AdminParts, ControlStatus } from "../../src/endpoints/admin/admin.ts";
import type { FetchStatusBody } from "../../src/endpoints/admin/contract.ts";
import type { TokenRecord } from "../../src/ports/tokens.ts";
import type { AccessRule } from "../../src/ports/checks.ts";
import type { StoredRule } from "../../src/ports/rules.ts";
import { idSource } from "../../src/runtime/ids.ts";
import type {
  DeclaredDomain,
  DomainRecord,
  ListSizes,
  RecipientChange,
  RecipientHit,
} from "../../src/ports/directory.ts";
import type { JournalEvent } from "../../src/ports/journal.ts";
import type { TraceLine } from "../../src/ports/trace.ts";
import type { AllowedSender } from "../../src/ports/quarantine.ts";
import type { PrimaryStatus } from "../../src/ports/health.ts";
import type {
  ListRequest,
  MailDetail,
  MailFilter,
  OperatorRequest,
  QueueCount,
  QueueEntry,
} from "../../src/ports/operator.ts";
import { loggerTo } from "../../src/runtime/log.ts";
import { Rules } from "../../src/services/rules/rules.ts";
import { Tokens } from "../../src/services/tokens/tokens.ts";
import type { Finding } from "../../src/services/doctor/doctor.ts";
import { domainSettings } from "./domain-settings.ts";

export const FIRST = "01k9zq3v5x0abcde";
export const SECOND = "01k9zq3v5x0abcdf";
const START = Date.UTC(2026, 2, 1);

export function queueEntry(change: Partial<QueueEntry>): QueueEntry {
  return {
    id: FIRST,
    n: 0,
    recipient: "alice@example.com",
    domain: "example.com",
    sender: "bob@sender.example",
    state: "waiting",
    acceptedAt: START,
    updatedAt: START,
    attempts: 0,
    unconfirmed: 0,
    size: 2048,
    ...change,
  };
}

function mailOf(id: string): Buffer {
  return Buffer.from(`Subject: ${id}\r\n\r\nbody\r\n`);
}

export class FakeWorld {
  readonly clock = new ManualClock(START + 3 * 3_600_000 + 12 * 60_000);
  entries: QueueEntry[] = [
    queueEntry({ attempts: 2, lastReply: "450 4.2.0 try later", dueAt: START + 4 * 3_600_000 }),
    queueEntry({ n: 1, recipient: "carol@other.example", domain: "other.example" }),
    queueEntry({ id: SECOND, recipient: "dave@example.com", state: "held", reason: "operator", sender: "" }),
  ];
  domains: DomainRecord[] = [domainRecord("example.com", "file"), domainRecord("other.example", "api")];
  refusing: readonly string[] = [];
  /** What changes have made of the list of the API. */
  readonly #added = new Set<string>();
  hits: RecipientHit[] = [
    { pattern: "alice", origin: "file" },
    { pattern: "list-*", origin: "api" },
  ];
  lines: (TraceLine & { readonly keys?: readonly string[] })[] = [];
  primaries: PrimaryStatus[] = [
    {
      destination: "mail.example.com:25",
      domains: ["example.com"],
      state: "down",
      since: START,
      why: "connection refused",
      connections: 0,
    },
  ];
  status: ControlStatus = {
    version: "0.1.0",
    hostname: "mx2.example.net",
    startedAt: START,
    condition: "ok",
    listening: ["127.0.0.1:2525"],
    connections: 4,
    room: 12 * 1024 ** 3,
    generation: 7,
    notices: "off",
    lists: [],
    overQuota: [],
    certificates: [],
  };
  reloaded: Awaited<ReturnType<AdminParts["reload"]>> = { ok: true, generation: 8 };
  storedTokens: TokenRecord[] = [];
  readonly fetched = new Map<string, FetchStatusBody>();
  readonly fileTroubles = new Map<string, string>();
  senders: AllowedSender[] = [];
  readonly resumed: string[] = [];
  /** Ends the probation of a domain. */
  resume: AdminParts["resume"] = async (domain) => this.resumed.push(domain) > 0;
  /** What a test session finds. */
  rehearsal: AdminParts["rehearse"] extends (...asked: infer Asked) => Promise<infer Found>
    ? (...asked: Asked) => Found
    : never = () => undefined;
  /** What the doctor finds, by domain; of the server under "". */
  readonly findings = new Map<string, readonly Finding[]>();
  readonly operations: OperatorRequest[] = [];
  readonly changes: RecipientChange[] = [];
  /** Domains that were added, with the recipients that came along. */
  readonly added: DeclaredDomain[] = [];
  readonly events: JournalEvent[] = [];
  readonly logged: string[] = [];
  /** Thrown by every read of the queue while set. */
  trouble: Error | undefined;
  /** What an export gives, where it is not just a mail; null: its body is gone. */
  exported: ((id: string, asItIs: boolean) => Readable | null | undefined) | undefined;
  /** Thrown by these changes of domains. */
  readonly unwritable = new Map<"addDomain" | "changeRecipients", Error>();
  /** Thrown where the queue is counted. */
  unreadable: Error | undefined;
  /** The thread that reads does not answer. */
  silent = false;
  /** Why it is not known how primaries stand. */
  noPrimaries: string | undefined;

  readonly tokens = new Tokens(
    {
      tokens: async () => this.storedTokens,
      addToken: async (token) => {
        if (this.storedTokens.some(({ name }) => name === token.name)) return false;
        this.storedTokens.push(token);
        return true;
      },
      revokeToken: async (name) => {
        const before = this.storedTokens.length;
        this.storedTokens = this.storedTokens.filter((token) => token.name !== name);
        return this.storedTokens.length < before;
      },
    },
    this.clock,
  );

  explain: AdminParts["explain"] = async () => undefined;
  declaredRules: AccessRule[] = [];
  readonly storedRules: StoredRule[] = [];
  /** Times that those who apply the rules were told. */
  ruleChanges = 0;
  readonly rules = new Rules({
    store: {
      rules: async () => this.storedRules.toReversed(),
      addRule: async (rule) => void this.storedRules.push(rule),
      removeRule: async (id) => {
        const at = this.storedRules.findIndex((rule) => rule.id === id);
        if (at !== -1) this.storedRules.splice(at, 1);
        return at !== -1;
      },
    },
    clock: this.clock,
    nextId: idSource(() => this.clock.now()),
    changed: () => (this.ruleChanges += 1),
  });

  parts(socket: string): AdminParts {
    return {
      socket,
      queue: {
        list: async (request) => this.#list(request),
        show: async (id) => this.#show(id),
        counts: async (domain) => this.#unlessSilent(this.#counts(domain)),
        quarantined: async () => {
          const held = this.entries.filter(({ reason }) => reason === "quarantine");
          const oldest = held[0]?.acceptedAt;
          return { recipients: held.length, ...(oldest !== undefined && { oldest }) };
        },
        parked: async () => ({ recipients: this.entries.filter(({ state }) => state === "parked").length }),
        kept: async (domains) => domains.map(() => ({ messages: this.entries.length, bytes: 0 })),
        export: async (id, asItIs = false) => this.#show(id) && this.#export(id, asItIs),
      },
      operator: {
        operate: async (request) => {
          this.operations.push(request);
          return this.entries.filter((entry) => matches(entry, request.filter)).length;
        },
      },
      directory: {
        domains: async () => this.domains,
        refusing: async (domain) => this.refusing.filter((name) => domain === undefined || name === domain),
        domain: async (wanted) => this.domains.find(({ name }) => name === wanted),
        recipients: async ({ limit, cursor = "0" }) => {
          const end = Number(cursor) + limit;
          const items = this.hits.slice(Number(cursor), end);
          return end < this.hits.length ? { items, next: String(end) } : { items };
        },
      },
      editor: {
        addDomain: async (added) => {
          await this.#mayWrite("addDomain");
          this.added.push(added);
          const { name, settings } = added;
          const others = this.domains.filter((domain) => domain.name !== name);
          this.domains = [...others, { name, settings, origin: "api", paused: false, draining: false }];
        },
        changeDomain: async (name, settle) => {
          const at = this.domains.findIndex((domain) => domain.name === name);
          const found = this.domains[at];
          if (found === undefined) return false;
          this.domains[at] = { ...found, settings: settle(found) };
          return true;
        },
        removeDomain: async (name) => {
          const found = this.domains.find((domain) => domain.name === name);
          if (found === undefined) return "unknown";
          if (found.origin === "file") return "declared";
          this.storedTokens = this.storedTokens.filter(({ domain }) => domain !== name);
          return "removed";
        },
        setPaused: async (name, paused, until) => {
          const at = this.domains.findIndex((domain) => domain.name === name);
          const found = this.domains[at];
          if (found === undefined) return false;
          const { pausedUntil: _, ...rest } = found;
          this.domains[at] = { ...rest, paused, ...(until !== undefined && { pausedUntil: until }) };
          return true;
        },
        changeRecipients: async (change) => {
          await this.#mayWrite("changeRecipients");
          this.changes.push(change);
          return this.#changeList(change);
        },
      },
      explain: async (request) => this.explain(request),
      rules: this.rules,
      declaredRules: () => this.declaredRules,
      checkRecipient: async (address) => ({
        address,
        answer: "accept",
        why: "in the configured list",
        origin: "file",
        sources: [{ source: "list (file)", says: "has `alice`", age: 3_600_000 }],
      }),
      fetched: (domain) => this.fetched.get(domain),
      fileTrouble: (domain) => this.fileTroubles.get(domain),
      trace: {
        trace: async ({ about }) =>
          this.lines.filter(({ id, keys = [] }) => about.some((key) => key === id || keys.includes(key))),
      },
      tokens: this.tokens,
      senders: {
        allowedSenders: async () => this.senders,
        allowSender: async (sender) => {
          if (this.senders.some((known) => sameSender(known, sender))) return false;
          this.senders.push(sender);
          return true;
        },
        disallowSender: async (sender) => {
          const before = this.senders.length;
          this.senders = this.senders.filter((known) => !sameSender(known, sender));
          return this.senders.length < before;
        },
      },
      status: () => this.status,
      primaries: async () =>
        this.noPrimaries === undefined
          ? { primaries: this.primaries }
          : { primaries: [], noPrimaries: this.noPrimaries },
      resume: (domain) => this.resume(domain),
      rehearse: async (domain, known) => this.rehearsal(domain, known),
      doctor: {
        server: async () => this.findings.get("") ?? [],
        domain: async (domain) => this.findings.get(domain),
      },
      reload: async () => this.reloaded,
      metrics: async () => "holdfast_smtp_connections 4\n",
      journal: { record: (event) => void this.events.push(event) },
      clock: this.clock,
      log: loggerTo((level, message, fields) =>
        this.logged.push(`${level}: ${message} ${JSON.stringify(fields)}`),
      ),
    };
  }

  #list({ filter, limit, cursor = "0", ledger = false }: ListRequest) {
    if (this.trouble !== undefined) throw this.trouble;
    const all = this.entries.filter((entry) => matches(entry, filter) && (ledger || entry.state !== "gone"));
    const end = Number(cursor) + limit;
    const items = all.slice(Number(cursor), end);
    return end < all.length ? { items, next: String(end) } : { items };
  }

  #export(id: string, asItIs: boolean): Readable | undefined {
    const given = this.exported?.(id, asItIs);
    return given === null ? undefined : (given ?? Readable.from([mailOf(id)]));
  }

  #changeList({ verb, recipients }: RecipientChange): ListSizes {
    const before = this.#added.size;
    if (verb === "replace") this.#added.clear();
    for (const each of recipients)
      if (verb === "remove") this.#added.delete(each);
      else this.#added.add(each);
    return { before, after: this.#added.size };
  }

  async #mayWrite(what: "addDomain" | "changeRecipients"): Promise<void> {
    const trouble = this.unwritable.get(what);
    if (trouble !== undefined) throw trouble;
  }

  #show(id: string): MailDetail | undefined {
    const recipients = this.entries.filter((entry) => entry.id === id);
    const [first] = recipients;
    if (first === undefined) return undefined;
    return {
      id,
      sender: first.sender,
      acceptedAt: first.acceptedAt,
      size: first.size,
      crc32: "0badcafe",
      client: { ip: "192.0.2.1", helo: "mail.sender.example", port: 40_000, server: "192.0.2.9" },
      traits: [],
      topFields: "Received: from mail.sender.example\r\n",
      subject: "Hello",
      authentication: {
        spf: { result: "softfail", domain: "sender.example", identity: "mailfrom" },
        dkim: [{ domain: "sender.example", selector: "s1" }],
        dmarc: { result: "pass", policy: "reject" },
        fromDomain: "sender.example",
        returnPath: true,
      },
      recipients,
      hasBody: true,
    };
  }

  #unlessSilent<T>(value: T): T | Promise<T> {
    return this.silent ? new Promise(() => undefined) : value;
  }

  #counts(wanted?: string): readonly QueueCount[] {
    if (this.unreadable !== undefined) throw this.unreadable;
    const entries = this.entries.filter(({ domain }) => wanted === undefined || domain === wanted);
    return entries.map(({ domain, state, acceptedAt }) => ({
      domain,
      state,
      recipients: 1,
      oldest: acceptedAt,
    }));
  }
}

function sameSender(one: Pick<AllowedSender, "sender" | "domain">, other: typeof one): boolean {
  return one.sender === other.sender && one.domain === other.domain;
}

function matches(entry: QueueEntry, filter: MailFilter): boolean {
  return Object.entries(filter).every(([key, value]) => entry[key as keyof QueueEntry] === value);
}

function domainRecord(name: string, origin: "file" | "api"): DomainRecord {
  return {
    name,
    origin,
    paused: false,
    draining: false,
    settings: domainSettings({ host: `mail.${name}`, port: 25, tls: "opportunistic", preference: 10 }),
  };
}
