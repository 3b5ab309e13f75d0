import { configPath, formatProblem, loadConfig, type Config } from "../config/config.ts";

/** The configuration, or undefined after its problems were printed. */
export function readConfig(path: string | undefined): Config | undefined {
  const loaded = loadConfig(configPath(path));
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  return loaded.ok ? loaded.config : undefined;
}
