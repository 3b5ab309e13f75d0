/**
 * Reads the configuration again. All followers check the new values before any of them uses them; only then does the
 * new directory become visible, and the threads switch. A failure before that point leaves everything as it was; a
 * failure after it is reported, and the new configuration stays in effect.
 */
import { formatProblem, keepStarted, loadConfig, restartKeys, type Config } from "../config/config.ts";
import type { ReloadBody } from "../endpoints/admin/contract.ts";
import type { DeclareResult } from "../ports/directory.ts";
import type { JournalSink } from "../adapters/journal/journal.ts";
import { errorText } from "../runtime/log.ts";
import type { DirectoryEditor } from "../services/directory/directory.ts";

/** A part of the daemon that uses the configuration. */
export interface Follower {
  /**
   * Rejects, with a sentence for the operator, if the part could not work with this configuration. Absent if it always
   * can.
   */
  check?(config: Config): Promise<void>;
  use(config: Config): Promise<void>;
}

interface ReloadParts {
  readonly editor: DirectoryEditor;
  readonly followers: readonly Follower[];
  readonly sink: Pick<JournalSink, "reopen" | "record">;
  /** Called at the point of no return: a thread that starts after it starts with this configuration. */
  readonly putInForce: (config: Config) => void;
}

/** Reads the file of `current` again. */
export async function reload(current: Config, parts: ReloadParts): Promise<ReloadBody> {
  // Log rotation sends the signal that reloads; the log must be reopened even if the configuration has a mistake.
  parts.sink.reopen();
  const loaded = loadConfig(current.file, current);
  if (!loaded.ok) return refuse(loaded.problems.map(formatProblem), parts.sink);
  const restart = restartKeys(current, loaded.config);
  const config = keepStarted(current, loaded.config);
  try {
    const { generation, ...domains } = await adopt(config, parts);
    const warnings = [...loaded.warnings.map(formatProblem), ...(await use(config, parts.followers))];
    parts.sink.record({ kind: "config.reloaded", generation, ...domains, restart, warnings });
    return { ok: true, generation, restart, warnings, domains };
  } catch (error) {
    return refuse([`${current.file}: ${errorText(error)}`], parts.sink);
  }
}

async function adopt(config: Config, { editor, followers, putInForce }: ReloadParts): Promise<DeclareResult> {
  await Promise.all(followers.map((follower) => follower.check?.(config)));
  const declared = await editor.declare(config.domains);
  putInForce(config);
  return declared;
}

/** The directory has switched, so there is no way back: returns what failed. */
async function use(config: Config, followers: readonly Follower[]): Promise<readonly string[]> {
  const used = await Promise.allSettled(followers.map((follower) => follower.use(config)));
  const failed = used.filter((result) => result.status === "rejected");
  return failed.map(({ reason }) => `${config.file}: not all of it is in effect: ${errorText(reason)}`);
}

function refuse(problems: readonly string[], sink: ReloadParts["sink"]): ReloadBody {
  sink.record({ kind: "config.refused", errors: problems });
  return { ok: false, problems };
}
