/** How each part of the daemon checks and takes new settings at a reload. */
import type { Certificate } from "./adapters/tls/tls.ts";
import type { Config } from "./config/config.ts";
import type { DeliveryThread, SmtpThread, Storage } from "./crew.ts";
import type { Follower } from "./reload.ts";
import type { ListHealth } from "./services/policy/policy.ts";
import { checkSettings, deliverySettings, listZones, smtpSettings } from "./settings.ts";

/** The SMTP threads, with the certificate that they show. */
export function smtpFollower(certificate: Certificate, threads: readonly SmtpThread[]): Follower {
  return {
    check: async (config) => {
      const settings = smtpSettings(config, await certificate.check(config.smtp.tls));
      await eachRunning(threads, (thread) => thread.control.call("prepare", settings));
    },
    use: async (config) => {
      await certificate.use(config.smtp.tls);
      await applySmtp(config, certificate, threads);
    },
  };
}

/** The checks on clients; lists that are new to us count from their first test on. */
export function checksFollower(lists: ListHealth, threads: () => readonly SmtpThread[]): Follower {
  return {
    check: async () => undefined,
    use: async (config) => {
      const checks = checkSettings(config);
      await eachRunning(threads(), (thread) => thread.control.call("applyChecks", checks));
      lists.use(listZones(config));
      // Its answers may take seconds; a list counts from its first good test on.
      void lists.test();
    },
  };
}

/** Tells all SMTP threads which domains have been without a primary for long. */
export async function applyLongAway(
  domains: readonly string[],
  threads: readonly SmtpThread[],
): Promise<void> {
  await eachRunning(threads, (thread) => thread.control.call("longAway", domains));
}

/** Tells all SMTP threads which domains hold more than their quota. */
export async function applyFull(domains: readonly string[], threads: readonly SmtpThread[]): Promise<void> {
  await eachRunning(threads, (thread) => thread.control.call("full", domains));
}

/** Tells all SMTP threads which lists of clients count. */
export async function applyLists(zones: readonly string[], threads: readonly SmtpThread[]): Promise<void> {
  await eachRunning(threads, (thread) => thread.control.call("useLists", zones));
}

export function deliveryFollower(thread: () => DeliveryThread | undefined): Follower {
  return {
    check: async () => undefined,
    use: async (config) => {
      await thread()?.current?.control.call("apply", deliverySettings(config));
    },
  };
}

export function storageFollower(storage: Storage): Follower {
  return {
    check: async () => undefined,
    use: (config) => storage.thread.control.call("setReserve", config.store.reserve),
  };
}

/** Gives all SMTP threads the settings with the certificate of this moment. */
export async function applySmtp(
  config: Config,
  certificate: Certificate,
  threads: readonly SmtpThread[],
): Promise<void> {
  const settings = smtpSettings(config, certificate.current());
  await eachRunning(threads, (thread) => thread.control.call("apply", settings));
}

type Running = NonNullable<SmtpThread["current"]>;

/** A thread between two lives gets the newest settings when it starts. */
async function eachRunning(
  threads: readonly SmtpThread[],
  act: (thread: Running) => Promise<void>,
): Promise<void> {
  await Promise.all(threads.flatMap((thread) => thread.current ?? []).map(act));
}
