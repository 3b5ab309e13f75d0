import assert from "node:assert/strict";
import { closeSync, readdirSync, readlinkSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

type Method = "write" | "writev" | "sync" | "datasync";
type Call = (...given: unknown[]) => Promise<unknown>;

/** The methods as they were before the first fault. */
const REAL: Partial<Record<Method, Call>> = {};

/** An error with this code, as Node and SQLite report it. */
export function systemError(code: string): Error {
  const quota = { code: "Unknown system error -122", errno: -constants.errno.EDQUOT };
  return Object.assign(new Error(`the test says ${code}`), code === "EDQUOT" ? quota : { code });
}

/** Makes the `nth` call of this method of any open file fail. */
export async function failAt(
  t: Pick<TestContext, "after">,
  { method, nth, code }: { method: Method; nth: number; code: string },
): Promise<void> {
  let calls = 0;
  await inPlaceOf(t, method, async (real, given) => {
    calls += 1;
    if (calls !== nth) return real(...given);
    throw systemError(code);
  });
}

/** Makes each call of this method of any open file wait for `turns` turns of the event loop. */
export async function slowDown(
  t: Pick<TestContext, "after">,
  { method, turns }: { method: Method; turns: number },
): Promise<void> {
  await inPlaceOf(t, method, async (real, given) => {
    for (let left = turns; left > 0; left--) await turn();
    return real(...given);
  });
}

/** Makes each write of any open file write at most `most` bytes. */
export async function writeShort(t: Pick<TestContext, "after">, most: number): Promise<void> {
  await inPlaceOf(t, "write", (real, [rest]) => real((rest as Buffer).subarray(0, most)));
  await inPlaceOf(t, "writev", (real, [chunks]) =>
    real([Buffer.concat(chunks as readonly Buffer[]).subarray(0, most)]),
  );
}

/** `seen` is called with the path of the file or folder, just before each call of this method. */
export async function watch(
  t: Pick<TestContext, "after">,
  method: Method,
  seen: (path: string) => void,
): Promise<void> {
  await inPlaceOf(t, method, (real, given, handle) => {
    seen(readlinkSync(`/proc/self/fd/${handle.fd}`));
    return real(...given);
  });
}

/** `done` resolves when the `nth` call of this method has returned. */
export async function ended(
  t: Pick<TestContext, "after">,
  method: Method,
  nth: number,
): Promise<{ done: Promise<void> }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  await inPlaceOf(t, method, async (real, given) => {
    const result = await real(...given);
    calls += 1;
    if (calls === nth) resolve();
    return result;
  });
  return { done: promise };
}

/** Holds the first call of this method until `letGo` or `fail` is called. */
export async function holdFirst(
  t: Pick<TestContext, "after">,
  method: Method,
): Promise<{ begun: Promise<void>; letGo(): void; fail(code: string): void }> {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  let calls = 0;
  await inPlaceOf(t, method, async (real, given) => {
    calls += 1;
    begun.resolve();
    if (calls === 1) await end.promise;
    return real(...given);
  });
  return {
    begun: begun.promise,
    letGo: () => end.resolve(),
    fail: (code) => end.reject(systemError(code)),
  };
}

/** The descriptors of the files that this process has open and whose path ends with `name`. */
export function openAs(name: string): readonly number[] {
  const own = "/proc/self/fd";
  const isOpen = (fd: string): boolean => {
    try {
      return readlinkSync(join(own, fd)).endsWith(name);
    } catch {
      return false;
    }
  };
  return readdirSync(own).filter(isOpen).map(Number);
}

/** Closes the open file without its owner's knowledge, so that its owner cannot close it. */
export function closeBehind(name: string): void {
  const [descriptor, ...more] = openAs(name);
  assert.ok(descriptor !== undefined && more.length === 0);
  closeSync(descriptor);
}

async function inPlaceOf(
  t: Pick<TestContext, "after">,
  method: Method,
  act: (real: Call, given: readonly unknown[], handle: FileHandle) => Promise<unknown>,
): Promise<void> {
  const handle = await open("/dev/null");
  const files = Object.getPrototypeOf(handle) as Record<Method, Call>;
  await handle.close();
  REAL[method] ??= files[method];
  const before = files[method];
  files[method] = function (this: FileHandle, ...given: unknown[]) {
    return act(before.bind(this), given, this);
  };
  // Restores the real method, whatever replaces it by then: faults of one method are removed in any order.
  t.after(() => {
    files[method] = REAL[method] as Call;
  });
}
