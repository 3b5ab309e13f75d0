/**
 * The daemon: the only place that builds things, in the order in which mail needs them, and that stops them in reverse
 * order. If one part fails to start, the parts that are already running are stopped. Its parts are in `daemon/`, the
 * threads that it starts in `threads/`.
 */
import { randomBytes } from "node:crypto";
import { adminParts } from "./daemon/admin-parts.ts";
import { acquireLock, doubtNote } from "./adapters/storage/sqlite/sqlite.ts";
import { QuotaWatch, UnreadWatch } from "./services/queue/queue.ts";
import { watchBlocklists, type BlocklistWatch } from "./daemon/blocklist-watch.ts";
import type { Config } from "./config/config.ts";
import {
  startDeliveryThread,
  startSmtpThreads,
  type DeliveryThread,
  type SmtpThread,
} from "./threads/crew.ts";
import { startAdmin, type ControlStatus } from "./endpoints/admin/admin.ts";
import type { ReloadBody } from "./endpoints/admin/contract.ts";
import {
  applySmtp,
  checksFollower,
  deliveryFollower,
  smtpFollower,
  storageFollower,
} from "./daemon/followers.ts";
import { endAll, explainBy, loopDelays, tellFull } from "./daemon/smtp-threads.ts";
import { DoubtedAges } from "./daemon/doubted-ages.ts";
import { tellFileLimit } from "./daemon/file-limit.ts";
import { layFoundation, type Foundation } from "./daemon/foundation.ts";
import type { ExplainRequest } from "./ports/explanation.ts";
import type { PrimaryRehearsal } from "./ports/rehearsal.ts";
import type { KnownPrimaries } from "./ports/health.ts";
import { askPrimaries } from "./daemon/known-primaries.ts";
import { PrimariesBoard } from "./daemon/primaries-board.ts";
import { askVia, primariesLine } from "./threads/primaries-line.ts";
import { openRecipientSources } from "./daemon/recipient-sources.ts";
import { RulesBoard } from "./daemon/rules-board.ts";
import { reload, type Follower } from "./daemon/reload.ts";
import { systemClock, type ClockOffset } from "./runtime/clock.ts";
import { probeListen } from "./runtime/listening.ts";
import type { Job } from "./runtime/schedule.ts";
import { requireThreads } from "./runtime/thread-limit.ts";
import { daemonStatus } from "./daemon/daemon-status.ts";
import { endsInTime } from "./daemon/stop-limit.ts";
import { hostPort } from "./mail/network.ts";

const MINUTE = 60_000;
/** Ms that a DATA in progress may still take when the daemon stops. */
const DATA_GRACE = 20_000;

export interface Daemon {
  /** `address:port` of each SMTP listener. */
  readonly listening: readonly string[];
  /** Resolves when the daemon cannot continue because the storage thread has ended. */
  readonly broken: Promise<void>;
  reload(): Promise<ReloadBody>;
  /** Rejects if something did not end properly, or with StopHangs. */
  stop(): Promise<void>;
}

/** Starts everything; rejects with a plain error for the operator and leaves nothing running. */
export async function startDaemon(first: Config, clockOffset?: ClockOffset): Promise<Daemon> {
  await using building = new AsyncDisposableStack();
  requireThreads(first.smtp.threads);
  const lock = acquireLock(first.storage.folder, process.pid);
  building.defer(() => lock.release());
  const note = doubtNote(first.storage.folder);
  const ages = await DoubtedAges.open({ ...lock, note, clock: systemClock(clockOffset) });
  const listening = await Promise.all(first.smtp.listen.map(probe));
  const daemon = new RunningDaemon(first, await layFoundation(first, building, { clockOffset, ages }));
  await daemon.start(building, listening);
  daemon.keep(building.move());
  return daemon;
}

class RunningDaemon implements Daemon {
  listening: readonly string[] = [];
  readonly #foundation: Foundation;
  readonly #lists: BlocklistWatch;
  readonly #quotas: QuotaWatch;
  readonly #rules: RulesBoard;
  #config: Config;
  #delivery: DeliveryThread | undefined;
  #smtp: readonly SmtpThread[] = [];
  #running: AsyncDisposableStack | undefined;
  #stopping: Promise<void> | undefined;
  #reloading: Promise<unknown> = Promise.resolve();

  constructor(config: Config, foundation: Foundation) {
    this.#config = config;
    this.#foundation = foundation;
    const { storage, crew, reader, editor } = foundation;
    const smtp = (): readonly SmtpThread[] => this.#smtp;
    const directory = reader.client;
    this.#lists = watchBlocklists({ crew, config: () => this.#config, directory, smtp });
    this.#rules = new RulesBoard({ store: storage.control, clock: crew.clock, smtp });
    const { sink: journal, clock } = crew;
    const generation = (): number => foundation.directory.generation();
    const domains = (): ReturnType<typeof directory.domains> => directory.domains();
    this.#quotas = new QuotaWatch({ queue: directory, domains, generation, journal, clock });
    editor.onChange((domains) => this.#directoryChanged(domains));
  }

  get broken(): Promise<void> {
    return this.#foundation.storageEnded;
  }

  async start(stack: AsyncDisposableStack, listening: readonly string[]): Promise<void> {
    await this.#rules.rules.load();
    await this.#foundation.editor.declare(this.#config.domains);
    await this.#openAdmin(stack);
    await this.#startDelivery(stack);
    await this.#startSmtp(stack);
    this.listening = listening;
    this.#addJobs();
    this.#lists.begin();
    this.#foundation.crew.sink.log.info("ready", { listening, hostname: this.#config.hostname });
  }

  keep(running: AsyncDisposableStack): void {
    this.#running = running;
  }

  reload(): Promise<ReloadBody> {
    return this.#alone(() => {
      const { editor, crew } = this.#foundation;
      const putInForce = (config: Config): void => void (this.#config = config);
      return reload(this.#config, { editor, followers: this.#followers(), sink: crew.sink, putInForce });
    });
  }

  /** Runs one change of the configuration at a time. */
  #alone<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#reloading.then(change);
    this.#reloading = turn.catch(() => undefined);
    return turn;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    this.listening = [];
    this.#foundation.crew.sink.log.info("stopping");
    await endsInTime(this.#running?.disposeAsync());
  }

  async #startDelivery(stack: AsyncDisposableStack): Promise<void> {
    const { storage, crew, agesDoubted } = this.#foundation;
    const thread = startDeliveryThread(() => this.#config, storage, { ...crew, agesDoubted });
    this.#delivery = thread;
    stack.defer(() => thread.end("stop"));
    await thread.started;
  }

  async #startSmtp(stack: AsyncDisposableStack): Promise<void> {
    const { storage, crew, clients, certificates } = this.#foundation;
    const config = (): Config => this.#config;
    const threads = startSmtpThreads({
      ...crew,
      config,
      tls: () => certificates.current(),
      clients,
      storage,
      connectPrimaries: () =>
        primariesLine({
          flush: (domain) => this.#flush(domain),
          ask: askVia((question) => this.#delivery?.current?.control.call("ask", question)),
        }),
      soundLists: () => this.#lists.health.sound(),
      rules: () => this.#rules.current(),
    });
    this.#smtp = threads;
    // A thread that cannot use the new certificates keeps the previous ones.
    certificates.onChange(() => void applySmtp(this.#config, certificates, threads).catch(() => undefined));
    // Before the wait: threads that have started must end if another one does not start.
    stack.defer(() => endAll(threads, DATA_GRACE));
    await Promise.all(threads.map(({ started }) => started));
  }

  async #openAdmin(stack: AsyncDisposableStack): Promise<void> {
    const running = {
      status: () => this.#status(),
      primaries: () => this.#primaries(),
      resume: (domain: string) => this.#resume(domain),
      rehearse: (domain: string, known: string) => this.#rehearse(domain, known),
      reload: () => this.reload(),
      loopDelays: () => loopDelays(this.#smtp, this.#foundation.crew.clock),
      sources: openRecipientSources(this.#foundation, stack, {
        config: () => this.#config,
        primaries: () => this.#primaries(),
        alter: (alter) => this.#alone(async () => void (this.#config = await alter(this.#config))),
      }),
      rules: this.#rules.rules,
      declaredRules: () => this.#config.checks.access ?? [],
      explain: (request: ExplainRequest) => explainBy(this.#smtp, request, this.#foundation.crew.clock),
    };
    const admin = await startAdmin(adminParts(this.#config, this.#foundation, running));
    stack.defer(() => admin.stop());
  }

  async #resume(domain: string): Promise<boolean> {
    const life = this.#delivery?.current;
    await life?.control.call("resume", domain);
    return life !== undefined;
  }

  async #rehearse(domain: string, known: string): Promise<readonly PrimaryRehearsal[] | undefined> {
    const { maxMessageSize } = this.#config.smtp;
    const unknown = `holdfast-test-${randomBytes(6).toString("hex")}@${domain}`;
    const request = { domain, known, unknown, maxMessageSize };
    return this.#delivery?.current?.control.call("rehearse", request);
  }

  async #tellFull(): Promise<void> {
    tellFull(await this.#quotas.look(), this.#smtp);
  }

  #addJobs(): void {
    const { editor, schedule, crew, reader, trimTrace } = this.#foundation;
    const { clock, sink } = crew;
    const unread = new UnreadWatch(reader.client, sink);
    const board = new PrimariesBoard({
      primaries: () => this.#primaries(),
      smtp: () => this.#smtp,
      clock,
    });
    const lookAtUnread = (): Promise<void> => unread.look(this.#config.retention, clock.now());
    const jobs: Readonly<Record<string, readonly [every: number, run: Job["run"]]>> = {
      "tell of primaries": [2000, () => board.tell()],
      "look at quotas": [2000, () => this.#tellFull()],
      "end pauses": [5000, async () => void (await editor.endPauses())],
      "retire domains": [MINUTE, async () => void (await editor.retire())],
      "forget rules": [5000, () => this.#rules.rules.forgetOver()],
      "look at what is set aside": [MINUTE, lookAtUnread],
      "trim trace": [MINUTE, () => trimTrace(this.#config.retention)],
      "test blocklists": [MINUTE, () => this.#lists.health.test()],
      "look at ourselves": [12 * 60 * MINUTE, () => this.#lists.lookAtOurselves()],
    };
    for (const [name, [every, run]] of Object.entries(jobs)) schedule.add({ name, every, run });
  }

  #directoryChanged(domains: readonly string[]): void {
    this.#lists.directoryChanged();
    void this.#delivery?.tell("directoryChanged", domains).catch(() => undefined);
  }

  /** Nothing is lost if the delivery thread is being restarted: it then looks at all mail by itself. */
  #flush(domain: string): void {
    void this.#delivery?.current?.control.call("flush", [domain]).catch(() => undefined);
  }

  #status(): ControlStatus {
    const lists = this.#lists.health.status();
    const overQuota = this.#quotas.full;
    return daemonStatus(this.#config, this.#foundation, { listening: this.listening, lists, overQuota });
  }

  #primaries(): Promise<KnownPrimaries> {
    return askPrimaries(this.#delivery?.current, this.#foundation.crew.clock);
  }

  #followers(): readonly Follower[] {
    const { certificates, storage, crew } = this.#foundation;
    return [
      smtpFollower(certificates, () => this.#smtp),
      checksFollower(this.#lists, () => this.#smtp),
      deliveryFollower(() => this.#delivery),
      storageFollower(storage),
      { use: async ({ smtp }) => tellFileLimit(smtp.limits.connections, crew.sink.log) },
    ];
  }
}

async function probe({ address, port }: { address: string; port: number }): Promise<string> {
  return hostPort(address, await probeListen(address, port));
}
