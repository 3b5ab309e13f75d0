/** Keeps a thread running: when it dies, it is started again, with back-off; when it hangs, it is ended first. */
import { type Argument, ChannelClosed, type Methods, unlessEnded } from "./channel.ts";
import type { Clock } from "./clock.ts";
import { errorText, type Logger } from "./log.ts";
import { followPulse } from "./pulse.ts";
import {
  beginThread,
  type BegunThread,
  type Thread,
  type ThreadEnd,
  ThreadHangs,
  type ThreadPlan,
  ThreadSilent,
  ThreadStuck,
} from "./threads.ts";
import { withinSteps } from "./within-steps.ts";

/** Pause before a dead thread is started again, in ms; doubles from the first to the longest. */
const FIRST_RESTART = 1000;
const LONGEST_RESTART = 30_000;
/** Ms; a thread that lived this long starts with the first pause again. */
const SETTLED = 60_000;
/** Ms that a hanging thread may take to end before this is logged. */
const TO_END = 10_000;
/** Ms; a thread that takes no turn for this long while it should end is ended without having finished. */
const LAST_SILENCE = 15_000;
/** Ms between an answer and the next question during that time. */
const LAST_REST = 1000;

interface Supervision {
  readonly plan: ThreadPlan;
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * Called as soon as a life of the thread is over, even if it was never ready: other threads may wait for a lock that
   * it held.
   */
  readonly clear?: () => void;
  /**
   * Called when the thread has not answered for a minute, before it is ended. If absent, the thread may be busy for
   * longer.
   */
  readonly silent?: () => void;
}

/** Keeps one thread running until it is ended. */
export class SupervisedThread<M extends Methods> {
  /** The first start; rejects if it fails. Later starts are retried. */
  readonly started: Promise<void>;
  readonly #supervision: Supervision;
  /** The life that is starting or running. */
  #life: BegunThread<M> | undefined;
  #ready = false;
  /** The thread was told to end, and has not ended. */
  #stuck = false;
  #stopping = false;
  #delay = FIRST_RESTART;

  constructor(supervision: Supervision) {
    this.#supervision = supervision;
    this.started = this.#start();
  }

  /** The thread, for questions. Undefined until it is ready, when it is stuck, and while it is being restarted. */
  get current(): Thread<M> | undefined {
    return this.#ready ? this.#life : undefined;
  }

  /**
   * Tells the thread about a change. A life that is starting may have got older data; it is told as soon as it is
   * ready. If there is no life, or it ends first, nothing is lost if the data of the next life contains the change.
   * Rejects with the error of the method.
   */
  async tell<K extends keyof M & string>(name: K, ...argument: Argument<M[K]>): Promise<void> {
    await this.#life?.control.call(name, ...argument).catch(unlessEnded);
  }

  /**
   * Ends the thread for good, after its method `name` has finished; a thread that is starting is ended at once. Rejects
   * with the error of the method, or of the thread if it died before; with ThreadSilent if the thread took no turn for
   * 15 s, and with ThreadStuck if it does not end.
   */
  async end<K extends keyof M & string>(name: K, ...argument: Argument<M[K]>): Promise<void> {
    this.#stopping = true;
    const life = this.#life;
    if (life === undefined) return;
    let trouble: unknown;
    if (this.#ready) {
      const done = life.control.call(name, ...argument);
      await Promise.race([done, this.#silence(life)]).catch((error: unknown) => (trouble = error));
    }
    if (this.#stuck || !(await this.#ends(life))) throw new ThreadStuck(this.#supervision.plan.name);
    if (trouble === undefined) return;
    throw (trouble instanceof ChannelClosed ? (await life.ended).error : undefined) ?? trouble;
  }

  /** Rejects with ThreadSilent when the thread takes no turns any more. */
  #silence(life: BegunThread<M>): Promise<never> {
    const { plan, clock } = this.#supervision;
    const { promise, reject } = Promise.withResolvers<never>();
    const silent = (): void => reject(new ThreadSilent(plan.name, LAST_SILENCE));
    const answers = (): Promise<void> => life.answers();
    void followPulse({ answers, silent, rest: LAST_REST, patience: LAST_SILENCE }, clock);
    return promise;
  }

  /** Terminates the thread; says whether it ended in time. */
  async #ends(life: BegunThread<M>): Promise<boolean> {
    return (await withinSteps(TO_END, life.terminate(), this.#supervision.clock)) !== "late";
  }

  async #start(): Promise<void> {
    const { plan, clock } = this.#supervision;
    const startedAt = clock.elapsed();
    const life = beginThread<M>(plan, clock);
    this.#life = life;
    try {
      await life.ready;
    } catch (error) {
      this.#stuck = error instanceof ThreadHangs && error.stuck;
      if (this.#stuck) void life.ended.then(() => this.#over());
      else this.#over();
      throw error;
    }
    void life.ended.then((end) => this.#died(end, startedAt));
    this.#ready = true;
    this.#follow(life);
  }

  #follow(life: BegunThread<M>): void {
    const { silent, clock } = this.#supervision;
    if (silent === undefined) return;
    const end = (): void => {
      if (this.#stopping) return;
      silent();
      void this.#endSilent(life);
    };
    void followPulse({ answers: () => life.answers(), silent: end }, clock);
  }

  async #endSilent(life: BegunThread<M>): Promise<void> {
    if (await this.#ends(life)) return;
    const { plan, log } = this.#supervision;
    log.error("a silent thread does not end", {
      thread: plan.name,
      error: new ThreadStuck(plan.name).message,
    });
    this.#stuck = true;
    this.#ready = false;
    // Otherwise its callers would wait for ever.
    life.control.close();
  }

  #over(): void {
    this.#life = undefined;
    this.#ready = false;
    this.#stuck = false;
    this.#supervision.clear?.();
  }

  #died(end: ThreadEnd, startedAt: number): void {
    this.#over();
    if (this.#stopping) return;
    const { clock, log, plan } = this.#supervision;
    if (clock.elapsed() - startedAt > SETTLED) this.#delay = FIRST_RESTART;
    const error = end.error === undefined ? `exit code ${end.code}` : (end.error.stack ?? end.error.message);
    log.error("thread died, restarting it", { thread: plan.name, error, delay: this.#delay });
    this.#restartLater();
  }

  #restartLater(): void {
    this.#supervision.clock.after(this.#delay, () => void this.#restart());
    this.#delay = Math.min(this.#delay * 2, LONGEST_RESTART);
  }

  async #restart(): Promise<void> {
    if (this.#stopping) return;
    try {
      await this.#start();
    } catch (error) {
      if (this.#stopping) return;
      this.#supervision.log.error("thread did not start", {
        thread: this.#supervision.plan.name,
        error: errorText(error),
      });
      // Otherwise a second thread would start beside it and get stuck as well, and so on without end.
      if (this.#stuck) await this.#life?.ended;
      this.#restartLater();
    }
  }
}
