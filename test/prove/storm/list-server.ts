/** The server of u.test's list: a list that changes and shrinks, and all that is none. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Random } from "../../support/random.ts";
import { U } from "./places.ts";
import type { Weather } from "./weather.ts";

const MOODS = [
  "well",
  "well",
  "well",
  "error",
  "gone",
  "hangs",
  "hangs in it",
  "empty",
  "cut",
  "cut in chunks",
  "page",
  "nonsense",
  "circle",
  "unchanged",
] as const;

export class ListServer implements Weather, AsyncDisposable {
  readonly #random: Random;
  #mood: (typeof MOODS)[number] = "well";
  #list: readonly string[] = [...U.people, ...U.guests];
  readonly #server = createServer((request, response) => {
    // Whoever asks and goes is no trouble of ours.
    response.on("error", () => {});
    this.#answer(response, request.headers["if-none-match"]);
  });

  constructor(random: Random) {
    this.#random = random;
  }

  static async open(random: Random): Promise<ListServer> {
    const lists = new ListServer(random);
    await new Promise<void>((resolve) => void lists.#server.listen(0, "127.0.0.1", resolve));
    return lists;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/recipients`;
  }

  async change(): Promise<void> {
    this.#mood = this.#random.pick(MOODS);
    this.#list = [...U.people, ...U.guests.filter(() => this.#random.below(2) === 0)];
    this.#server.closeAllConnections();
  }

  async mend(): Promise<void> {
    this.#mood = "well";
    this.#list = [...U.people, ...U.guests];
    this.#server.closeAllConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(response: ServerResponse, known: string | undefined): void {
    const text = `${this.#list.join("\n")}\n`;
    const etag = `"${this.#list.join(".")}"`;
    const plain = { "Content-Type": "text/plain", ETag: etag };
    switch (this.#mood) {
      case "well":
        if (known === etag) response.writeHead(304).end();
        else if (this.#random.below(2) === 0) response.writeHead(200, plain).end(text);
        else
          response
            .writeHead(200, { ...plain, "Content-Type": "application/json" })
            .end(JSON.stringify(this.#list));
        return;
      case "error":
        return void response.writeHead(500, plain).end(text);
      case "gone":
        return void response.writeHead(404, plain).end("nothing here\n");
      case "hangs":
        return;
      case "hangs in it":
        return void response.writeHead(200, plain).write(`${U.people[0]}\n`);
      case "empty":
        return void response.writeHead(200, { "Content-Type": "text/plain" }).end();
      case "cut":
        return this.#cut(response, { ...plain, "Content-Length": text.length + 10 });
      case "cut in chunks":
        return this.#cut(response, plain);
      case "page":
        return void response.writeHead(200, { "Content-Type": "text/html" }).end("<p>log in");
      case "nonsense":
        return void response.writeHead(200, plain).end(`${U.guests[0]}\na b c\n`);
      case "circle":
        return void response.writeHead(302, { Location: "/recipients" }).end();
      case "unchanged":
        return void response.writeHead(304).end();
    }
  }

  /** Its first line, and the connection is gone. */
  #cut(response: ServerResponse, head: Readonly<Record<string, string | number>>): void {
    response.writeHead(200, head).write(`${U.guests[0]}\n`, () => response.socket?.end());
  }
}
