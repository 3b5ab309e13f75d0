/** How each part of the daemon checks and takes new settings at a reload; what SMTP threads are told and asked. */
import type { Certificates } from "../adapters/tls/tls.ts";
import type { Config } from "../config/config.ts";
import type { DeliveryThread, SmtpThread, Storage } from "../threads/crew.ts";
import type { SmtpControl } from "../threads/smtp-thread.ts";
import type { AccessRule } from "../ports/checks.ts";
import type { Argument } from "../runtime/channel.ts";
import type { LoopDelay } from "../runtime/loop-delay.ts";
import type { Follower } from "./reload.ts";
import { deliverySettings, smtpSettings } from "../threads/settings.ts";

/** The SMTP threads, with the certificates that they show. */
export function smtpFollower(certificates: Certificates, threads: () => readonly SmtpThread[]): Follower {
  return {
    check: async (config) => {
      const settings = smtpSettings(config, await certificates.check(config.smtp.tls));
      await tellAll(threads(), "prepare", settings);
    },
    use: async (config) => {
      try {
        await certificates.use(config.smtp.tls);
      } finally {
        // Files that went bad since they were checked hold up nothing else.
        await applySmtp(config, certificates, threads());
      }
    },
  };
}

interface ListsInUse {
  use(config: Config): void;
  readonly health: { test(): Promise<void> };
}

/** The checks on clients; lists that are new to us count from their first test on. */
export function checksFollower(lists: ListsInUse, threads: () => readonly SmtpThread[]): Follower {
  return {
    check: async () => undefined,
    use: async (config) => {
      lists.use(config);
      // Its answers may take seconds; a list counts from its first good test on.
      void lists.health.test();
      await tellAll(threads(), "applyChecks", config.checks);
    },
  };
}

/** Tells the SMTP threads that are ready which domains hold more than their quota; comes every few seconds. */
export async function applyFull(domains: readonly string[], threads: readonly SmtpThread[]): Promise<void> {
  await Promise.all(threads.map((thread) => thread.current?.control.call("full", domains)));
}

/** Tells all SMTP threads which lists of clients count. */
export async function applyLists(zones: readonly string[], threads: readonly SmtpThread[]): Promise<void> {
  await tellAll(threads, "useLists", zones);
}

/** Tells all SMTP threads which rules of access operators have added. */
export async function applyRules(
  rules: readonly AccessRule[],
  threads: readonly SmtpThread[],
): Promise<void> {
  await tellAll(threads, "applyRules", rules);
}

/** How late the event loops of the SMTP threads were since they were asked before, by the thread's name. */
export async function loopDelays(threads: readonly SmtpThread[]): Promise<ReadonlyMap<string, LoopDelay>> {
  const asked = threads.map(async (thread, n) => {
    const delay = await thread.current?.control.call("loopDelay").catch(() => undefined);
    return delay === undefined ? [] : ([[`smtp-${n + 1}`, delay]] as const);
  });
  return new Map((await Promise.all(asked)).flat());
}

export function deliveryFollower(thread: () => DeliveryThread | undefined): Follower {
  return {
    check: async () => undefined,
    use: async (config) => {
      await thread()?.tell("apply", deliverySettings(config));
    },
  };
}

export function storageFollower(storage: Storage): Follower {
  return {
    check: async () => undefined,
    use: (config) => storage.thread.control.call("setReserve", config.store.reserve),
  };
}

/** Gives all SMTP threads the settings with the certificates of this moment. */
export async function applySmtp(
  config: Config,
  certificates: Certificates,
  threads: readonly SmtpThread[],
): Promise<void> {
  const settings = smtpSettings(config, certificates.current());
  await tellAll(threads, "apply", settings);
}

async function tellAll<K extends keyof SmtpControl>(
  threads: readonly SmtpThread[],
  what: K,
  ...argument: Argument<SmtpControl[K]>
): Promise<void> {
  await Promise.all(threads.map((thread) => thread.tell(what, ...argument)));
}
