/**
 * Tightens limits while nearly all connections or nearly all memory are in use: clients that hold a connection without
 * using it are cut off sooner. Nothing that an honest client needs for a mail in progress is taken away. Once the
 * memory is used up, no new client is served.
 */
import type { SmtpLimits, SmtpStress } from "../../ports/smtp-limits.ts";
import type { SmtpSettings } from "./settings.ts";

/** How much is in use. */
interface Load {
  /** Open connections. */
  readonly open: number;
  /** Memory of the process in octets. */
  readonly memory: number;
}

/** Decides by the load which settings apply. */
export class Stress {
  #on = false;
  #exhausted = false;
  #settings: SmtpSettings | undefined;
  #tightened: SmtpSettings | undefined;

  get on(): boolean {
    return this.#on;
  }

  /** Takes note of the load. Returns true if stress began or ended. */
  look({ open, memory }: Load, { limits, stress }: SmtpSettings): boolean {
    const before = this.#on;
    const share = before ? stress.ends : stress.begins;
    this.#on = open >= limits.connections * share || memory >= limits.memory * share;
    const exhausted = memory >= limits.memory;
    if (exhausted !== this.#exhausted) this.#settings = undefined;
    this.#exhausted = exhausted;
    return this.#on !== before;
  }

  settingsOf(settings: SmtpSettings): SmtpSettings {
    if (!this.#on) return settings;
    if (this.#settings !== settings || this.#tightened === undefined) {
      this.#settings = settings;
      const limits = tightened(settings.limits, settings.stress);
      this.#tightened = { ...settings, limits: this.#exhausted ? { ...limits, connections: 0 } : limits };
    }
    return this.#tightened;
  }
}

export function tightened(limits: SmtpLimits, stress: SmtpStress): SmtpLimits {
  const share = Math.max(1, Math.floor(limits.connections * stress.networkShare));
  return {
    ...limits,
    commandTimeout: Math.min(limits.commandTimeout, stress.commandTimeout),
    dataTimeout: Math.min(limits.dataTimeout, stress.dataTimeout),
    commandsWithoutMail: Math.min(limits.commandsWithoutMail, stress.commandsWithoutMail),
    errors: Math.min(limits.errors, stress.errors),
    refusedRecipients: Math.min(limits.refusedRecipients, stress.refusedRecipients),
    ...(limits.connectionsPerAddress !== undefined && {
      connectionsPerAddress: Math.min(limits.connectionsPerAddress, share),
    }),
    connectionsPerClient: Math.min(limits.connectionsPerClient, share),
  };
}
