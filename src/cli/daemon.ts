/** Access to the running daemon: HTTP over the Unix socket in its data folder. */
import { Agent, request, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { text as readText } from "node:stream/consumers";
import { MAX_BODY, type ErrorBody } from "../endpoints/admin/contract.ts";
import { sizeInWords } from "../runtime/quantities.ts";

/** No daemon answers on the socket. */
export class NoDaemon extends Error {
  override readonly name = "NoDaemon";
}

/** The daemon refused, or its response is not valid. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;
  readonly hint: string | undefined;

  constructor(status: number, message: string, hint?: string) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

/** The request is larger than the daemon accepts, so it is not sent. */
export class Oversized extends Refused {
  constructor(what: string) {
    super(
      413,
      `${what} is larger than ${sizeInWords(MAX_BODY)}, the most that the daemon accepts in one request`,
    );
  }
}

interface Call {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as plain text. */
  readonly text?: string;
}

/**
 * Ms without any data after which a reading request and a change are given up. The daemon gives a change up earlier, and
 * its 504 says more.
 */
const PATIENCE = { look: 60_000, change: 660_000 };

/** Most reading requests at a time; further ones wait. The daemon has a few hundred connections for all its clients. */
const MOST_LOOKS = 8;

export class Daemon {
  readonly socket: string;
  readonly #patience: typeof PATIENCE;
  /** Reading requests share connections that stay open: an export makes one request for each mail. */
  readonly #looks = new Agent({ keepAlive: true, maxSockets: MOST_LOOKS });

  constructor(socket: string, patience = PATIENCE) {
    this.socket = socket;
    this.#patience = patience;
  }

  /** Returns the JSON of the response. Rejects with NoDaemon, Refused, or an Error that says what else failed. */
  async ask<T>(call: Call): Promise<T> {
    const response = await this.#send(call);
    const body = await wholeText(response, call);
    if (!positive(response)) throw refusal(response.statusCode ?? 0, body);
    return (body === "" ? undefined : readJson(body)) as T;
  }

  /** Like `ask`, but also returns the JSON of responses with another status, which is the answer. */
  async askAnyway<T>(call: Call): Promise<{ readonly ok: boolean; readonly body: T }> {
    const response = await this.#send(call);
    const body = await wholeText(response, call);
    return { ok: positive(response), body: readJson(body) as T };
  }

  /** Returns the response as a stream; the stream ends with an error if the response was cut off. */
  async stream(call: Call): Promise<Readable> {
    const response = await this.#send(call);
    if (!positive(response)) throw refusal(response.statusCode ?? 0, await wholeText(response, call));
    // The reader of the stream may pause for a while.
    response.setTimeout(this.#patience.change);
    const whole = Readable.from(wholeOf(response), { objectMode: false });
    return whole.once("close", () => response.destroy());
  }

  async #send(call: Call): Promise<IncomingMessage> {
    const answered = Promise.withResolvers<IncomingMessage>();
    const { headers, body } = bodyOf(call);
    const { method = "GET" } = call;
    const { look, change } = this.#patience;
    const options = {
      socketPath: this.socket,
      method,
      path: call.path + queryText(call.query ?? {}),
      ...(method === "GET" ? { agent: this.#looks, timeout: look } : { agent: false, timeout: change }),
      headers: { Host: "localhost", ...headers },
    };
    let response: IncomingMessage | undefined;
    const asked = request(options, (came) => {
      response = came;
      answered.resolve(came);
    });
    asked.once("error", (error: NodeJS.ErrnoException) => {
      // The daemon may have closed an idle connection while this request was on its way.
      if (asked.reusedSocket && GONE.has(error.code)) answered.resolve(this.#send(call));
      else answered.reject(this.#explain(error, call));
    });
    asked.on("timeout", () => {
      // Data has arrived and waits for a slow reader on this side, such as a pager or a disk.
      if ((response?.readableLength ?? 0) === 0)
        asked.destroy(new Error(`the daemon did not respond in time${doubt(call)}`));
    });
    asked.end(body);
    return answered.promise;
  }

  #explain(error: NodeJS.ErrnoException, call: Call): Error {
    if (error.code === "ENOENT" || error.code === "ECONNREFUSED")
      return new NoDaemon(`no daemon answers on ${this.socket}`);
    if (error.code === "EACCES")
      return new Error(`no permission to open ${this.socket}; run this as the daemon's user or as root`);
    if (error.code?.startsWith("HPE_"))
      return new Error(`what answers on ${this.socket} is not the daemon: it does not speak HTTP`);
    return brokenOff(error, call) ?? error;
  }
}

/**
 * Codes of a connection that the daemon closed. They are converted, because an EPIPE of this connection would otherwise
 * be taken for that of our output.
 */
const GONE: ReadonlySet<string | undefined> = new Set(["EPIPE", "ECONNRESET"]);

function brokenOff(error: unknown, call: Call): Error | undefined {
  if (!GONE.has((error as NodeJS.ErrnoException).code)) return undefined;
  return new Error(`the daemon closed the connection before its response was complete${doubt(call)}`, {
    cause: error,
  });
}

/** Added to the error of a change whose response did not arrive. */
function doubt({ method = "GET" }: Call): string {
  return method === "GET" ? "" : "; the change may or may not have been made";
}

function wholeText(response: IncomingMessage, call: Call): Promise<string> {
  return readText(response).catch((error: unknown) => {
    throw brokenOff(error, call) ?? error;
  });
}

function bodyOf({ json, text }: Call): { readonly headers: Record<string, string>; readonly body?: Buffer } {
  if (json === undefined && text === undefined) return { headers: {} };
  const body = Buffer.from(text ?? JSON.stringify(json));
  // The daemon would refuse and close before all is sent, so its reply might not be read.
  if (body.length > MAX_BODY) throw new Oversized("this");
  const type = text === undefined ? "application/json" : "text/plain; charset=utf-8";
  return { headers: { "Content-Type": type, "Content-Length": String(body.length) }, body };
}

async function* wholeOf(response: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const piece of response) yield piece as Buffer;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
    throw new Error("the response was cut off; the daemon's log says why", { cause: error });
  }
}

function positive({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function queryText(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

/** The HTTP parser in front of the daemon's routes refuses without JSON. */
function refusal(status: number, body: string): Refused {
  const error = (tryJson(body) as Partial<ErrorBody> | null | undefined)?.error;
  return new Refused(status, error?.message ?? `the daemon responded with status ${status}`, error?.hint);
}

function readJson(body: string): unknown {
  const value = tryJson(body);
  if (value === undefined) throw new Refused(0, "the daemon's response is not JSON");
  return value;
}

function tryJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
