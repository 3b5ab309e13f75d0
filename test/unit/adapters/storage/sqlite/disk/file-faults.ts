import { type FileHandle, open } from "node:fs/promises";
import type { TestContext } from "node:test";

/** Has the `nth` call of this method of any open file fail. */
export async function failAt(
  t: TestContext,
  { method, nth, code }: { method: "writev" | "sync" | "datasync"; nth: number; code: string },
): Promise<void> {
  const handle = await open("/dev/null");
  const files = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const real = files[method] as (this: FileHandle, ...given: unknown[]) => Promise<unknown>;
  let calls = 0;
  t.mock.method(files, method, function (this: FileHandle, ...given: unknown[]) {
    calls += 1;
    if (calls !== nth) return real.apply(this, given);
    return Promise.reject(Object.assign(new Error(`the test says ${code}`), { code }));
  });
}
