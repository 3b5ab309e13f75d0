/** The value, or `late` after so many ms. What comes after that, failures too, is nobody's business. */
export async function within<T>(milliseconds: number, value: Promise<T>): Promise<T | "late"> {
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(late.resolve, milliseconds, "late");
  try {
    return await Promise.race([value, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
