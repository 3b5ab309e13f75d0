/** The handing-over half of the store, in memory: states, tokens, grants and events as ports/work-store.ts asks. */
import { LEGAL_MOVES, type Reason, type RecipientState } from "../../src/ports/recipient-state.ts";
import type { StoreCondition } from "../../src/ports/store-condition.ts";
import type {
  ClaimedMail,
  ClaimRequest,
  DomainWork,
  DueMail,
  Expired,
  ExpireSlice,
  SettleRequest,
  UnholdRequest,
  WorkEvent,
  WorkStore,
} from "../../src/ports/work-store.ts";
import type { Clock } from "../../src/runtime/clock.ts";

interface StoredRecipient {
  readonly n: number;
  readonly address: string;
  state: RecipientState;
  reason?: Reason;
  dueAt: number;
  attempts: number;
  unconfirmed: number;
  /** Of the claim that holds it, or held it last. */
  token: number;
}

export interface StoredMail {
  readonly id: string;
  readonly domain: string;
  readonly acceptedAt: number;
  readonly sender: string;
  readonly body: Buffer;
  readonly smtpUtf8: boolean;
  readonly ip: string;
  readonly recipients: readonly StoredRecipient[];
}

interface Given {
  readonly domain: string;
  readonly recipients?: readonly string[];
  readonly body?: string | Buffer;
  readonly sender?: string;
  readonly dueAt?: number;
  readonly smtpUtf8?: boolean;
  /** The client's address. */
  readonly ip?: string;
}

export class FakeWorkStore implements WorkStore {
  readonly mails: StoredMail[] = [];
  readonly grants = new Map<string, number>();
  /** Every claim asked for, in order. */
  readonly claims: ClaimRequest[] = [];
  readonly settled: SettleRequest[] = [];
  readonly woken: string[][] = [];
  readonly expired: ExpireSlice[] = [];
  /** When primaries took mail for an address; not kept up by itself. */
  readonly acceptedAt = new Map<string, number>();
  /** Destinations that spoke TLS. */
  readonly spokeTls = new Set<string>();
  /** Answers of `expire`, in order; then nothing. */
  expireAnswers: Expired[] = [];
  /** While set, every call rejects with it. */
  failure: Error | undefined;
  readonly #clock: Clock;
  readonly #listeners: ((event: WorkEvent) => void)[] = [];
  #lastId = 0;
  #lastToken = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Stores a mail silently, as if it had been there before the start. */
  put(given: Given): StoredMail {
    const now = this.#clock.now();
    this.#lastId += 1;
    const recipients = (given.recipients ?? [`user@${given.domain}`]).map((address, n) => ({
      n,
      address,
      state: "waiting" as RecipientState,
      dueAt: given.dueAt ?? now,
      attempts: 0,
      unconfirmed: 0,
      token: 0,
    }));
    const mail: StoredMail = {
      id: `mail-${this.#lastId}`,
      domain: given.domain,
      acceptedAt: now,
      sender: given.sender ?? "sender@elsewhere.test",
      body: Buffer.from(given.body ?? "Subject: test\r\n\r\nhello\r\n"),
      smtpUtf8: given.smtpUtf8 ?? false,
      ip: given.ip ?? "192.0.2.1",
      recipients,
    };
    this.mails.push(mail);
    return mail;
  }

  /** Accepts a mail: by a grant it is claimed at once, else `work` is told. */
  accept(given: Given): StoredMail {
    const mail = this.put(given);
    const credits = this.grants.get(given.domain) ?? 0;
    if (credits > 0) {
      this.grants.set(given.domain, credits - 1);
      this.tell({ kind: "claimed", mail: this.#claim(mail) });
    } else {
      this.tell({ kind: "work", domain: given.domain, recipients: mail.recipients.length });
    }
    return mail;
  }

  tell(event: WorkEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Another process begins: whoever listened has gone, and what was claimed by then may have been delivered. */
  restarted(): void {
    this.#listeners.length = 0;
    this.grants.clear();
    for (const recipient of this.mails.flatMap((mail) => mail.recipients)) {
      if (recipient.state !== "claimed") continue;
      recipient.state = "unconfirmed";
      recipient.unconfirmed += 1;
      recipient.dueAt = this.#clock.now();
    }
  }

  condition(condition: StoreCondition): void {
    this.tell({ kind: "condition", condition });
  }

  /** How many recipients are in each state. */
  count(): Partial<Record<RecipientState, number>> {
    const counts: Partial<Record<RecipientState, number>> = {};
    for (const { state } of this.mails.flatMap((mail) => mail.recipients))
      counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }

  async work(): Promise<readonly DomainWork[]> {
    this.#check();
    return this.#workOf(() => true);
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimedMail[]> {
    this.#check();
    this.claims.push(request);
    const due = (mail: StoredMail): boolean =>
      mail.recipients.some((recipient) => waits(recipient) && recipient.dueAt <= request.now);
    const wanted = ({ id }: StoredMail): boolean => request.id === undefined || request.id === id;
    const mails = this.mails.filter((mail) => mail.domain === request.domain && due(mail) && wanted(mail));
    return mails.slice(0, request.limit).map((mail) => this.#claim(mail));
  }

  grant(domain: string, credits: number): void {
    this.grants.set(domain, credits);
  }

  async settle(request: SettleRequest): Promise<boolean> {
    this.#check();
    const mail = this.mails.find(({ id }) => id === request.id);
    const isLost = ({ n }: { readonly n: number }): boolean => mail?.recipients[n]?.token !== request.token;
    if (mail === undefined || request.recipients.some(isLost)) return false;
    this.settled.push(request);
    for (const { n, state, reason, dueAt, outcome } of request.recipients) {
      const recipient = mail.recipients[n];
      if (recipient === undefined || !LEGAL_MOVES[recipient.state].includes(state))
        throw new Error(`illegal move of ${request.id}/${n}: ${recipient?.state} -> ${state}`);
      recipient.state = state;
      if (reason !== undefined) recipient.reason = reason;
      recipient.dueAt = dueAt ?? Infinity;
      if (outcome.kind !== "released") recipient.attempts += 1;
      if (outcome.kind === "unconfirmed") recipient.unconfirmed += 1;
    }
    return true;
  }

  async wake(domains: readonly string[]): Promise<readonly DomainWork[]> {
    this.#check();
    this.woken.push([...domains]);
    const chosen = this.mails.filter(({ domain }) => domains.includes(domain));
    for (const recipient of chosen.flatMap((mail) => mail.recipients))
      if (waits(recipient)) recipient.dueAt = Math.min(recipient.dueAt, this.#clock.now());
    return this.#workOf((domain) => domains.includes(domain));
  }

  async due({ domain, now, limit }: Required<Omit<ClaimRequest, "id">>): Promise<readonly DueMail[]> {
    this.#check();
    const mails = this.mails.filter((mail) => mail.domain === domain);
    const due = mails.map(({ id, recipients }) => {
      const waiting = recipients.filter((recipient) => waits(recipient) && recipient.dueAt <= now);
      return { id, recipients: waiting.map(({ address }) => address) };
    });
    return due.filter(({ recipients }) => recipients.length > 0).slice(0, limit);
  }

  async accepted(addresses: readonly string[]): Promise<ReadonlyMap<string, number>> {
    this.#check();
    const found = addresses.map((address) => [address, this.acceptedAt.get(address)] as const);
    return new Map(found.filter((pair): pair is [string, number] => pair[1] !== undefined));
  }

  async unhold({ domain, limit = Infinity, now }: UnholdRequest): Promise<ReadonlyMap<string, number>> {
    this.#check();
    const released = new Map<string, number>();
    let left = limit;
    for (const mail of this.mails.filter((each) => domain === undefined || each.domain === domain))
      for (const recipient of mail.recipients) {
        if (recipient.state !== "held" || recipient.reason !== "probation" || left <= 0) continue;
        left -= 1;
        recipient.state = "waiting";
        delete recipient.reason;
        recipient.dueAt = now;
        released.set(mail.domain, (released.get(mail.domain) ?? 0) + 1);
      }
    for (const [name, recipients] of released) this.tell({ kind: "work", domain: name, recipients });
    return released;
  }

  async expire(slice: ExpireSlice): Promise<Expired> {
    this.#check();
    this.expired.push(slice);
    return this.expireAnswers.shift() ?? { givenUp: 0, deleted: 0, forgotten: 0 };
  }

  async encrypted(): Promise<readonly string[]> {
    return [...this.spokeTls];
  }

  async rememberTls(destination: string, encrypted: boolean): Promise<void> {
    if (encrypted) this.spokeTls.add(destination);
    else this.spokeTls.delete(destination);
  }

  onEvent(listener: (event: WorkEvent) => void): void {
    this.#listeners.push(listener);
  }

  #check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  #workOf(wanted: (domain: string) => boolean): readonly DomainWork[] {
    const waiting = this.mails.filter((mail) => wanted(mail.domain) && mail.recipients.some(waits));
    return [...Map.groupBy(waiting, ({ domain }) => domain)].map(([domain, mails]) => {
      const recipients = mails.flatMap((mail) => mail.recipients.filter(waits));
      return {
        domain,
        recipients: recipients.length,
        nextDue: Math.min(...recipients.map(({ dueAt }) => dueAt)),
        lastDue: Math.max(...recipients.map(({ dueAt }) => dueAt)),
        oldest: Math.min(...mails.map(({ acceptedAt }) => acceptedAt)),
      };
    });
  }

  #claim(mail: StoredMail): ClaimedMail {
    const now = this.#clock.now();
    this.#lastToken += 1;
    const due = mail.recipients.filter((recipient) => waits(recipient) && recipient.dueAt <= now);
    const recipients = due.map(({ n, address, attempts, unconfirmed }) => ({
      n,
      address,
      attempts,
      unconfirmed,
    }));
    for (const recipient of due) {
      recipient.state = "claimed";
      recipient.token = this.#lastToken;
    }
    return {
      id: mail.id,
      token: this.#lastToken,
      domain: mail.domain,
      sender: mail.sender,
      recipients,
      acceptedAt: mail.acceptedAt,
      client: { ip: mail.ip, helo: "client.test" },
      topFields: "Received: by mx2.test\r\n",
      smtpUtf8: mail.smtpUtf8,
      eightBit: false,
      size: mail.body.length,
      body: { size: mail.body.length, read: () => mail.body, digest: () => `digest of ${mail.id}` },
    };
  }
}

function waits({ state }: StoredRecipient): boolean {
  return state === "waiting" || state === "unconfirmed";
}
