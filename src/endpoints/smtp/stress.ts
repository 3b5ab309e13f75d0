/**
 * What is asked of clients while nearly all places are taken: those who hold one without use give it back sooner.
 * Nothing that an honest client needs for a mail under way is taken from it.
 */
import type { SmtpLimits, SmtpSettings } from "./settings.ts";

/** Shares of the places at which stress begins and ends. */
const BEGINS = 0.8;
const ENDS = 0.7;

const SILENCE = 10_000;
const BODY_SILENCE = 30_000;
const IDLE_COMMANDS = 20;
const ERRORS = 3;
const REFUSED = 3;
/** One network's share of all places. */
const SHARE = 0.05;

/** The settings in force, by how many places are taken. */
export class Stress {
  #on = false;
  #settings: SmtpSettings | undefined;
  #tightened: SmtpSettings | undefined;

  get on(): boolean {
    return this.#on;
  }

  /** Looks at how many connections are open; true when stress began or ended. */
  look(open: number, { connections }: SmtpLimits): boolean {
    const before = this.#on;
    this.#on = open >= connections * (before ? ENDS : BEGINS);
    return this.#on !== before;
  }

  settingsOf(settings: SmtpSettings): SmtpSettings {
    if (!this.#on) return settings;
    if (this.#settings !== settings || this.#tightened === undefined) {
      this.#settings = settings;
      this.#tightened = { ...settings, limits: tightened(settings.limits) };
    }
    return this.#tightened;
  }
}

export function tightened(limits: SmtpLimits): SmtpLimits {
  const share = Math.max(1, Math.floor(limits.connections * SHARE));
  return {
    ...limits,
    commandTimeout: Math.min(limits.commandTimeout, SILENCE),
    dataTimeout: Math.min(limits.dataTimeout, BODY_SILENCE),
    commandsWithoutMail: Math.min(limits.commandsWithoutMail, IDLE_COMMANDS),
    errors: Math.min(limits.errors, ERRORS),
    refusedRecipients: Math.min(limits.refusedRecipients, REFUSED),
    ...(limits.connectionsPerAddress !== undefined && {
      connectionsPerAddress: Math.min(limits.connectionsPerAddress, share),
    }),
    connectionsPerClient: Math.min(limits.connectionsPerClient, share),
  };
}
