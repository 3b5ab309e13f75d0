import { statSync } from "node:fs";

/** A file that stands where another was opened: what is written to that one is gone with the process. */
export class FileReplaced extends Error {
  override readonly name = "FileReplaced";

  constructor(file: string, options?: ErrorOptions) {
    super(
      `${file} was removed, renamed or replaced while the daemon ran; stop the daemon before you touch its data folder`,
      options,
    );
  }
}

/** Answers what throws FileReplaced once the file is not the one any more that it is now. */
export function keptInPlace(file: string): () => void {
  const { dev, ino } = statSync(file);
  return () => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found?.ino !== ino || found.dev !== dev) throw new FileReplaced(file);
  };
}
