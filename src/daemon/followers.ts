/** How each part of the daemon checks and adopts new settings at a reload. */
import type { Certificates } from "../adapters/tls/tls.ts";
import type { Config } from "../config/config.ts";
import type { DeliveryThread, SmtpThread, Storage } from "../threads/crew.ts";
import { deliverySettings, smtpSettings } from "../threads/settings.ts";
import type { Follower } from "./reload.ts";
import { tellAll } from "./smtp-threads.ts";

/** For the SMTP threads, with the certificates that they show. */
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
        // Certificate files that broke after the check must not keep the other settings from taking effect.
        await applySmtp(config, certificates, threads());
      }
    },
  };
}

/** Sends the settings and the present certificates to all SMTP threads. */
export async function applySmtp(
  config: Config,
  certificates: Certificates,
  threads: readonly SmtpThread[],
): Promise<void> {
  await tellAll(threads, "apply", smtpSettings(config, certificates.current()));
}

interface ListsInUse {
  use(config: Config): void;
  readonly health: { test(): Promise<void> };
}

/** For the checks on clients. A new blocklist counts once it has passed its first test. */
export function checksFollower(lists: ListsInUse, threads: () => readonly SmtpThread[]): Follower {
  return {
    use: async (config) => {
      lists.use(config);
      // Not awaited, because responses may take seconds. If this test fails, the one that runs every minute logs it.
      void lists.health.test().catch(() => undefined);
      await tellAll(threads(), "applyChecks", config.checks);
    },
  };
}

export function deliveryFollower(thread: () => DeliveryThread | undefined): Follower {
  return { use: async (config) => thread()?.tell("apply", deliverySettings(config)) };
}

export function storageFollower(storage: Storage): Follower {
  return { use: (config) => storage.thread.control.call("setReserve", config.store.reserve) };
}
