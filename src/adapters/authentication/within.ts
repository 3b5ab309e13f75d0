/** The value, or `late` after `ms`. What comes after that, failures too, is nobody's business. */
export async function within<T>(ms: number, value: Promise<T>): Promise<T | "late"> {
  let timer: NodeJS.Timeout | undefined;
  value.catch(() => undefined);
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), ms);
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}
