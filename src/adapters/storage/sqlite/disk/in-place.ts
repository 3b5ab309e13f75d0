import { statSync } from "node:fs";

/** The path of an open file now has another file, or none; what is written to the open one is lost with the process. */
export class FileReplaced extends Error {
  override readonly name = "FileReplaced";

  constructor(file: string, options?: ErrorOptions) {
    super(
      `${file} was removed, renamed or replaced while the daemon ran; stop the daemon before you touch its data folder`,
      options,
    );
  }
}

/** Returns a check that throws FileReplaced once the path no longer leads to the same file as now. */
export function keptInPlace(file: string): () => void {
  const { dev, ino } = statSync(file);
  return () => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found?.ino !== ino || found.dev !== dev) throw new FileReplaced(file);
  };
}
