/** Resolves with the value, or with `late` after this many ms. A later result, or a later failure, is ignored. */
export async function within<T>(milliseconds: number, value: Promise<T>): Promise<T | "late"> {
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(late.resolve, milliseconds, "late");
  try {
    return await Promise.race([value, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
