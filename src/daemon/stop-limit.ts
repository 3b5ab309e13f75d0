/** Ms that everything together may take to end; then the process ends with what is durable. */
const STOP_LIMIT = 60_000;

/** Not everything has ended in time. */
export class StopHangs extends Error {
  override readonly name = "StopHangs";
  /** An orderly exit of the process would not end it either. */
  readonly stuck = true;

  constructor() {
    super(`not everything has ended within ${STOP_LIMIT / 1000} s; nothing that was accepted is lost`);
  }
}

/** Waits for the end; rejects with StopHangs. Uses real time, whatever the daemon's clock says. */
export async function endsInTime(ending: Promise<void> | undefined): Promise<void> {
  const late = Promise.withResolvers<never>();
  const limit = setTimeout(() => late.reject(new StopHangs()), STOP_LIMIT);
  try {
    await Promise.race([ending, late.promise]);
  } finally {
    clearTimeout(limit);
  }
}
