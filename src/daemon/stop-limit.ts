/** How long everything together may take to end, in ms; then the process ends with what is durable. */
const STOP_LIMIT = 60_000;

/** Not all of it has ended in time. */
export class StopHangs extends Error {
  override readonly name = "StopHangs";
  /** Nor would an exit in order end it. */
  readonly stuck = true;

  constructor() {
    super(`not everything has ended within ${STOP_LIMIT / 1000} s; nothing that was accepted is lost`);
  }
}

/** Waits for the end; rejects with StopHangs, whatever time the daemon's clock has. */
export async function endsInTime(ending: Promise<void> | undefined): Promise<void> {
  const late = Promise.withResolvers<never>();
  const limit = setTimeout(() => late.reject(new StopHangs()), STOP_LIMIT);
  try {
    await Promise.race([ending, late.promise]);
  } finally {
    clearTimeout(limit);
  }
}
