import type { PrimaryState, PrimaryStatus } from "../../ports/health.ts";
import type { Journal } from "../../ports/journal.ts";
import { DestinationTrouble, type Capabilities, type Conversation } from "../../ports/smtp-client.ts";
import type { SteadyClock, Timer } from "../../runtime/clock.ts";
import { isOwnName } from "./ourselves.ts";
import { OutageLog } from "./outage-log.ts";
import { nextProbe, type Pacer } from "./probe-schedule.ts";
import { Prober, type Greeted } from "./prober.ts";
import type { GreetingRoom } from "./greeting-room.ts";
import { asTrouble, destinationName, type Destination, type ReachParts } from "./reach.ts";
import { Shortcomings } from "./shortcomings.ts";
import { SpareConversation } from "./spare-conversation.ts";
import { isAway, next, unknownHealth, type HealthRecord, type Signal } from "./state.ts";

/** The user of a watched primary: supplies facts about it, and is called when its state changes. */
export interface Observer {
  domains(): readonly string[];
  /** Recipients whose mail is held for it. */
  held(): number;
  /** Open connections. */
  connections(): number;
  /** `returned`: it is back after an outage, and not just between relapses. */
  changed(state: PrimaryState, returned: boolean): void;
}

/** The TLS history of primaries, including that of earlier processes. */
interface PrimaryMemory {
  /** Whether its latest conversation was encrypted; undefined if not known yet. */
  encrypted(destination: string): boolean | undefined;
  remember(destination: string, encrypted: boolean): void;
}

export interface WatchParts extends ReachParts {
  readonly clock: SteadyClock;
  readonly memory: PrimaryMemory;
  readonly journal: Journal;
  readonly random: () => number;
  readonly hostname: () => string;
  readonly pacer: Pacer;
  readonly room: GreetingRoom;
}

/** One minute minus the jitter of probes, in ms: after a delivery within this time no probe is needed. */
const RECENT = 54_000;
/** One second plus the jitter of probes, in ms. */
const SOON = 1100;

/** Describes the last time that the primary came up. */
interface Comeback {
  /** How many times it came up; 0: it was not reached yet. */
  readonly epoch: number;
  /** When it came up, in ms since 1970. */
  readonly since: number;
  /** How long it was away before, in ms, as far as this process saw it. */
  readonly outage: number;
}

/** One primary under observation. */
export class Watch {
  readonly destination: Destination;
  readonly #parts: WatchParts;
  readonly #observer: Observer;
  readonly #outages: OutageLog;
  readonly #shortcomings: Shortcomings;
  readonly #prober: Prober;
  readonly #spare: SpareConversation;
  #health: HealthRecord;
  #capabilities: Capabilities | undefined;
  #learnedAt = 0;
  #lastProbe = 0;
  /** The state in which the last probe began. */
  #asked: HealthRecord["state"] | undefined;
  #timer: Timer | undefined;
  #timerAt = 0;
  /** `#timer` waits for the slot of a probe that the pacer has granted. */
  #inLine = false;
  #stopped = false;
  #comeback: Comeback = { epoch: 0, since: 0, outage: 0 };

  constructor(destination: Destination, observer: Observer, parts: WatchParts) {
    this.destination = destination;
    this.#observer = observer;
    this.#parts = parts;
    this.#outages = new OutageLog(parts.journal);
    const name = destinationName(destination);
    this.#shortcomings = new Shortcomings(destination, {
      journal: parts.journal,
      domains: () => observer.domains(),
      wasEncrypted: () => parts.memory.encrypted(name),
    });
    const silent = (took: number): void => this.#shortcomings.silent(took, parts.clock.now());
    this.#prober = new Prober(destination, parts, silent);
    this.#spare = new SpareConversation(parts.clock);
    this.#health = unknownHealth(parts.clock.now());
    this.#plan();
  }

  get state(): PrimaryState {
    return this.#health.state;
  }

  get comeback(): Comeback {
    return this.#comeback;
  }

  /** Returns a conversation for mail: that of a probe if it is still open, otherwise a new one. Rejects as `open`. */
  async converse(): Promise<Conversation> {
    return this.#spare.take() ?? this.open();
  }

  /** Opens a new conversation. Rejects with DestinationTrouble, also if the server turns out to be ourselves. */
  async open(greetingTimeout?: number): Promise<Conversation> {
    const { client, clock } = this.#parts;
    const target = await this.#prober.target();
    const begun = clock.elapsed();
    const conversation = await client.converse(target, greetingTimeout);
    if (this.#greeted(conversation.capabilities, clock.elapsed() - begun)) return conversation;
    void conversation.quit();
    throw this.#ourName();
  }

  /** A conversation got the replies to a mail of `size` octets, positive or not, in `took` ms. */
  answered(took: number, size: number): void {
    this.#shortcomings.answered(took, size, this.#parts.clock.now());
    this.#apply({ kind: "answered" });
  }

  troubled(trouble: DestinationTrouble): void {
    this.#apply({ kind: "trouble", trouble, probe: false });
  }

  /** Mail is held from now on, so a primary that is down must be probed each second. */
  heldChanged(): void {
    const { clock } = this.#parts;
    if (this.#health.state === "down" && this.#timerAt - clock.now() > SOON) this.#plan();
  }

  /** Probes at once unless it is up. */
  recheck(): void {
    if (this.#health.state !== "up" && !this.#stopped) this.#startProbe();
  }

  status(): PrimaryStatus {
    const { state, since, awaySince, why } = this.#health;
    const { slow } = this.#shortcomings;
    const { clock } = this.#parts;
    return {
      ...(slow !== undefined && { slow: { ...slow, since: clock.wall(slow.since) } }),
      destination: destinationName(this.destination),
      domains: this.#observer.domains(),
      state,
      since: clock.wall(since),
      ...(isAway(state) && awaySince !== undefined && { awaySince: clock.wall(awaySince) }),
      ...(why !== undefined && { why }),
      ...(this.#lastProbe > 0 && { lastProbe: clock.wall(this.#lastProbe) }),
      ...(this.#capabilities !== undefined && {
        capabilities: this.#capabilities,
        learnedAt: clock.wall(this.#learnedAt),
      }),
      connections: this.#observer.connections(),
    };
  }

  stop(): void {
    this.#stopped = true;
    this.#spare.end();
    this.#prober.stop();
    this.#timer?.cancel();
  }

  #plan(): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.#inLine = false;
    const { clock, random } = this.#parts;
    const now = clock.now();
    const held = this.#observer.held() > 0;
    const asked = this.#asked === this.#health.state;
    const at = nextProbe(this.#health, { held, lastProbe: this.#lastProbe, asked, now, random });
    this.#timerAt = at;
    this.#timer = clock.after(at - now, () => this.#due());
  }

  #due(): void {
    const now = this.#parts.clock.now();
    const { state, lastGood } = this.#health;
    // A recent delivery has already shown that it is up.
    if (state === "up" && now - lastGood < RECENT) this.#plan();
    else this.#startProbe();
  }

  #startProbe(): void {
    // Keep the slot that was granted: with many primaries, each new request would otherwise delay the probe.
    if (this.#inLine) return;
    const { clock, pacer } = this.#parts;
    const now = clock.now();
    this.#timer?.cancel();
    this.#inLine = true;
    this.#timer = clock.after(pacer.slot(now) - now, () => {
      this.#lastProbe = clock.now();
      this.#asked = this.#health.state;
      this.#plan();
      void this.#probe();
    });
  }

  async #probe(): Promise<void> {
    const begun = this.#parts.clock.now();
    try {
      const wanted = (best: boolean): boolean => !this.#stopped && (!best || this.#isDoubted());
      const heard = await this.#prober.ask(wanted);
      if (heard === "knocked") this.#apply({ kind: "knocked" });
      else if (heard !== undefined) this.#takeGreeting(heard);
    } catch (error) {
      // A probe that began before the last success says nothing about the present.
      if (begun >= this.#health.lastGood)
        this.#apply({ kind: "trouble", trouble: asTrouble(error), probe: true });
    }
  }

  /** Whether a probe needs a greeting. After a relapse a delivery ends the doubt, or a greeting if no mail is held. */
  #isDoubted(): boolean {
    const { state, relapses } = this.#health;
    return state !== "up" || (relapses > 0 && this.#observer.held() === 0);
  }

  #takeGreeting({ conversation, took }: Greeted): void {
    const idle = this.#observer.held() === 0;
    const believed = this.#greeted(conversation.capabilities, took);
    this.#spare.keep(conversation);
    if (believed) this.#apply({ kind: "greeted", idle });
    if (idle || this.#stopped || this.#health.state !== "up") this.#spare.end();
  }

  /** Evaluates a greeting that took `took` ms. Returns false if the server is ourselves: then nothing may be sent. */
  #greeted(capabilities: Capabilities, took: number): boolean {
    const now = this.#parts.clock.now();
    if (this.#shortcomings.look(capabilities))
      this.#parts.memory.remember(destinationName(this.destination), capabilities.tls !== undefined);
    this.#shortcomings.greeted(took, now);
    this.#prober.greeted();
    this.#capabilities = capabilities;
    this.#learnedAt = now;
    const loop = isOwnName(capabilities, this.#parts.hostname());
    if (loop) this.#apply({ kind: "trouble", trouble: this.#ourName(), probe: true });
    return !loop;
  }

  #apply(signal: Signal): void {
    if (this.#stopped) return;
    const before = this.#health;
    const now = this.#parts.clock.now();
    this.#health = next(before, signal, now);
    if (this.#health === before) return;
    this.#outages.look(this.#health, () => this.#facts(), now);
    const { state, relapses } = this.#health;
    if (state === "up") this.#cameUp(before.state, now);
    const recovered = relapses === 0 && (isAway(before.state) || before.relapses > 0);
    if (state !== before.state) {
      this.#asked = undefined;
      this.#plan();
    } else if (!recovered) return;
    this.#observer.changed(state, state === "up" && recovered);
  }

  #cameUp(from: PrimaryState, now: number): void {
    if (from !== "unknown" && !isAway(from)) return;
    const outage = isAway(from) ? now - this.#outages.since : 0;
    const since = this.#parts.clock.wall(now);
    this.#comeback = { epoch: this.#comeback.epoch + 1, since, outage };
  }

  #facts(): { destination: string; domains: readonly string[]; held: number } {
    const destination = destinationName(this.destination);
    return { destination, domains: this.#observer.domains(), held: this.#observer.held() };
  }

  #ourName(): DestinationTrouble {
    const { hostname } = this.#parts;
    return new DestinationTrouble(
      "loop",
      `${destinationName(this.destination)} greets as ${hostname()}, our own name`,
    );
  }
}
