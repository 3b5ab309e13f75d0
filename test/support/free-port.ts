import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below the ports that the system gives to whoever asks for any: nobody takes one of these by chance meanwhile. */
const [FIRST, BEHIND] = [10_000, 32_000];

/** A TCP port on 127.0.0.1 that was free a moment ago; nothing listens on it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, BEHIND);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listening = await new Promise<boolean>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(false) : reject(error),
    );
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (listening)
    await new Promise((resolve) => {
      server.close(resolve);
    });
  return listening;
}
