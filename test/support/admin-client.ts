/** The daemon as an operator's program sees it: HTTP over the Unix socket in its data folder. */
import { request } from "node:http";
import type {
  PrimaryStatusBody,
  QueueEntryBody,
  QueuePage,
  StatusBody,
} from "../../src/endpoints/admin/contract.ts";
import { waitFor } from "./wait.ts";

export class AdminClient {
  readonly socket: string;

  constructor(socket: string) {
    this.socket = socket;
  }

  /** One request; rejects unless the answer is 2xx. A body that is a buffer is JSON already. */
  async api<T>(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
    const { status, text } = await this.#request(method, path, body);
    if (status < 200 || status > 299) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 500)}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** What is there, as text; rejects unless the answer is 2xx. */
  async text(path: string): Promise<string> {
    const { status, text } = await this.#request("GET", path);
    if (status < 200 || status > 299) throw new Error(`GET ${path}: ${status} ${text.slice(0, 500)}`);
    return text;
  }

  /** Prometheus text; asking sets back what is measured since the last time. */
  async metrics(): Promise<string> {
    return (await this.#request("GET", "/metrics")).text;
  }

  async status(): Promise<StatusBody> {
    return this.api("GET", "/v1/status");
  }

  /** The first of its primaries: most tests have one. */
  async primary(): Promise<PrimaryStatusBody | undefined> {
    return (await this.status()).primaries[0];
  }

  /** Waits until that primary is in this state; `deadline` in ms. */
  async primaryBecomes(wanted: PrimaryStatusBody["state"], deadline = 20_000): Promise<void> {
    const wait = { what: `the primary is found to be ${wanted}`, deadline, every: 50 };
    await waitFor(wait, async () => (await this.primary())?.state === wanted);
  }

  /** It accepts mail; false also when nobody answers. */
  async isReady(): Promise<boolean> {
    return this.#isWell("/readyz");
  }

  /** It runs, on a disk that is not sick. */
  async isAlive(): Promise<boolean> {
    return this.#isWell("/healthz");
  }

  /** Recipients that are not gone, by the daemon's own count. */
  async held(): Promise<number> {
    const { mail } = await this.status();
    return Object.entries(mail).reduce(
      (sum, [state, count]) => (state === "gone" ? sum : sum + (count ?? 0)),
      0,
    );
  }

  /** Every entry of the queue, and of the ledger where asked for, page by page. */
  async *entries(ledger = false): AsyncGenerator<QueueEntryBody> {
    let cursor = "";
    do {
      const query = `limit=1000${ledger ? "&ledger=1" : ""}${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page = await this.api<QueuePage>("GET", `/v1/queue?${query}`);
      yield* page.items;
      cursor = page.next ?? "";
    } while (cursor !== "");
  }

  #isWell(path: string): Promise<boolean> {
    return this.#request("GET", path).then(
      ({ status }) => status === 200,
      () => false,
    );
  }

  #request(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { "content-type": "application/json" };
      const sent = request({ socketPath: this.socket, method, path, headers, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      });
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : body instanceof Buffer ? body : JSON.stringify(body));
    });
  }
}
