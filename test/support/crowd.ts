/** A crowd of connections, held by processes of their own. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { CrowdOrder, CrowdReport } from "./crowd-process.ts";

export class Crowd implements AsyncDisposable {
  readonly #children: ChildProcess[] = [];

  /** Opens connections in one more process; resolves when all stand or were lost. */
  async add(order: CrowdOrder): Promise<CrowdReport> {
    const child = fork(join(import.meta.dirname, "crowd-process.ts"), { stdio: "inherit" });
    this.#children.push(child);
    child.send(order);
    const [report] = (await once(child, "message")) as [CrowdReport];
    return report;
  }

  /** All of them together, at this moment. */
  async report(): Promise<CrowdReport> {
    const reports = this.#children.map(async (child) => {
      child.send("report");
      return ((await once(child, "message")) as [CrowdReport])[0];
    });
    const sum = { open: 0, lost: 0 };
    for (const { open, lost } of await Promise.all(reports)) {
      sum.open += open;
      sum.lost += lost;
    }
    return sum;
  }

  /** Everybody goes at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#children.splice(0).map(async (child) => {
        const ended = once(child, "exit");
        child.disconnect();
        await ended;
      }),
    );
  }
}
