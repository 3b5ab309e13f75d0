/** After an unclean end, checks the database in a separate process, so that it delays nothing. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { JournalSink } from "../adapters/journal/journal.ts";
import type { Clock } from "../runtime/clock.ts";
import { errorText } from "../runtime/log.ts";

const CHECKER = fileURLToPath(new URL("./check-process.ts", import.meta.url));

/** Starts the check and records its result. Returns the function that ends it early. */
export function startStoreCheck(
  folder: string,
  { clock, sink }: { readonly clock: Clock; readonly sink: JournalSink },
): () => void {
  const begun = clock.now();
  let ended = false;
  const child = execFile(process.execPath, [CHECKER, folder], (error, stdout) => {
    if (ended) return;
    if (error !== null) return sink.log.error("store.check.failed", { error: errorText(error) });
    const findings = JSON.parse(stdout) as readonly string[];
    sink.record({ kind: "store.checked", findings, took: clock.now() - begun });
  });
  return () => {
    ended = true;
    child.kill("SIGKILL");
  };
}
