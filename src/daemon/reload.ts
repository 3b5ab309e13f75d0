/**
 * Reading the configuration again. Everybody checks the new values before anybody uses them; only then the new
 * directory becomes visible and the threads switch. Whatever fails before that leaves everything as it was.
 */
import { formatProblem, keepStarted, loadConfig, restartKeys, type Config } from "../config/config.ts";
import type { DeclareResult } from "../ports/directory.ts";
import type { JournalSink } from "../adapters/journal/journal.ts";
import { errorText } from "../runtime/log.ts";
import type { DirectoryEditor } from "../services/directory/directory.ts";

/** One who works by the configuration. */
export interface Follower {
  /** Rejects, with a sentence for the operator, when it could not work by this. */
  check(config: Config): Promise<void>;
  use(config: Config): Promise<void>;
}

interface ReloadParts {
  readonly editor: DirectoryEditor;
  readonly followers: readonly Follower[];
  readonly sink: JournalSink;
}

export interface ReloadResult {
  readonly ok: boolean;
  readonly generation?: number;
  readonly problems?: readonly string[];
  readonly restart?: readonly string[];
  /** What is in effect and most likely not meant so. */
  readonly warnings?: readonly string[];
  /** Names of the declared domains that came, changed or went. */
  readonly domains?: Omit<DeclareResult, "generation">;
}

/** Reads the file of `current` again; answers the configuration that is in force from here on. */
export async function reload(
  current: Config,
  parts: ReloadParts,
): Promise<{ readonly config: Config; readonly result: ReloadResult }> {
  // What rotates logs sends the signal that reloads; it must have its way also where the file has a mistake.
  parts.sink.reopen();
  const loaded = loadConfig(current.file, current);
  if (!loaded.ok) return refuse(current, loaded.problems.map(formatProblem), parts.sink);
  const warnings = loaded.warnings.map(formatProblem);
  const restart = restartKeys(current, loaded.config);
  const config = keepStarted(current, loaded.config);
  try {
    const { generation, ...domains } = await adopt(config, parts);
    parts.sink.record({ kind: "config.reloaded", generation, ...domains, warnings });
    return { config, result: { ok: true, generation, restart, warnings, domains } };
  } catch (error) {
    return refuse(current, [`${current.file}: ${errorText(error)}`], parts.sink);
  }
}

async function adopt(config: Config, { editor, followers }: ReloadParts): Promise<DeclareResult> {
  await Promise.all(followers.map((follower) => follower.check(config)));
  const declared = await editor.declare(config.domains);
  await Promise.all(followers.map((follower) => follower.use(config)));
  return declared;
}

function refuse(
  config: Config,
  problems: readonly string[],
  sink: JournalSink,
): { config: Config; result: ReloadResult } {
  sink.record({ kind: "config.refused", errors: problems });
  return { config, result: { ok: false, problems } };
}
