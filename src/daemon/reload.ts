/**
 * Reading the configuration again. Everybody checks the new values before anybody uses them; only then the new
 * directory becomes visible and the threads switch. Whatever fails before that leaves everything as it was; what fails
 * after it is told, and the new configuration stays in force.
 */
import { formatProblem, keepStarted, loadConfig, restartKeys, type Config } from "../config/config.ts";
import type { ReloadBody } from "../endpoints/admin/contract.ts";
import type { DeclareResult } from "../ports/directory.ts";
import type { JournalSink } from "../adapters/journal/journal.ts";
import { errorText } from "../runtime/log.ts";
import type { DirectoryEditor } from "../services/directory/directory.ts";

/** One who works by the configuration. */
export interface Follower {
  /** Rejects, with a sentence for the operator, when it could not work by this; absent: it always can. */
  check?(config: Config): Promise<void>;
  use(config: Config): Promise<void>;
}

interface ReloadParts {
  readonly editor: DirectoryEditor;
  readonly followers: readonly Follower[];
  readonly sink: Pick<JournalSink, "reopen" | "record">;
  /** Runs when there is no way back: a thread that starts from here on starts with this configuration. */
  readonly putInForce: (config: Config) => void;
}

/** Reads the file of `current` again. */
export async function reload(current: Config, parts: ReloadParts): Promise<ReloadBody> {
  // What rotates logs sends the signal that reloads; it must have its way also where the file has a mistake.
  parts.sink.reopen();
  const loaded = loadConfig(current.file, current);
  if (!loaded.ok) return refuse(loaded.problems.map(formatProblem), parts.sink);
  const restart = restartKeys(current, loaded.config);
  const config = keepStarted(current, loaded.config);
  try {
    const { generation, ...domains } = await adopt(config, parts);
    const warnings = [...loaded.warnings.map(formatProblem), ...(await use(config, parts.followers))];
    parts.sink.record({ kind: "config.reloaded", generation, ...domains, warnings });
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

/** The directory has switched, so there is no way back: answers what did not go well. */
async function use(config: Config, followers: readonly Follower[]): Promise<readonly string[]> {
  const used = await Promise.allSettled(followers.map((follower) => follower.use(config)));
  const failed = used.filter((result) => result.status === "rejected");
  return failed.map(({ reason }) => `${config.file}: not all of it is in effect: ${errorText(reason)}`);
}

function refuse(problems: readonly string[], sink: ReloadParts["sink"]): ReloadBody {
  sink.record({ kind: "config.refused", errors: problems });
  return { ok: false, problems };
}
