/** The running daemon, as the tool reaches it: HTTP over the Unix socket in its data folder. */
import { Agent, request, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { text as readText } from "node:stream/consumers";
import { MAX_BODY, type ErrorBody } from "../endpoints/admin/contract.ts";
import { sizeInWords } from "../runtime/quantities.ts";

/** Nobody answers on the socket. */
export class NoDaemon extends Error {
  override readonly name = "NoDaemon";
}

/** The daemon refused, or answered something that is no answer. */
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

interface Call {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as plain text. */
  readonly text?: string;
}

/** Silence, in ms, after which a look and a change are given up: later than the daemon does, whose 504 says more. */
const PATIENCE = { look: 60_000, change: 660_000 };

/** Looks at a time; the others wait in line. The daemon takes some hundreds of connections from all who ask. */
const MOST_LOOKS = 8;

export class Daemon {
  readonly socket: string;
  readonly #patience: typeof PATIENCE;
  /** Looks go over connections that stay open: an export is one for each mail. */
  readonly #looks = new Agent({ keepAlive: true, maxSockets: MOST_LOOKS });

  constructor(socket: string, patience = PATIENCE) {
    this.socket = socket;
    this.#patience = patience;
  }

  /** The response's JSON. Rejects with NoDaemon, Refused, or an Error that says what else went wrong. */
  async ask<T>(call: Call): Promise<T> {
    const response = await this.#send(call);
    const body = await wholeText(response, call);
    if (!positive(response)) throw refusal(response.statusCode ?? 0, body);
    return (body === "" ? undefined : readJson(body)) as T;
  }

  /** Like `ask`, for answers that are told by their status: the JSON is given whatever it is. */
  async askAnyway<T>(call: Call): Promise<{ readonly ok: boolean; readonly body: T }> {
    const response = await this.#send(call);
    const body = await wholeText(response, call);
    return { ok: positive(response), body: readJson(body) as T };
  }

  /** The response as it comes; an error is its end where it was cut off. */
  async stream(call: Call): Promise<Readable> {
    const response = await this.#send(call);
    if (!positive(response)) throw refusal(response.statusCode ?? 0, await wholeText(response, call));
    // Who reads it may stop for a while.
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
      // The daemon may have ended a connection that was idle, when this was on its way.
      if (asked.reusedSocket && GONE.has(error.code)) answered.resolve(this.#send(call));
      else answered.reject(this.#explain(error, call));
    });
    asked.on("timeout", () => {
      // What has come waits for whoever reads it here, such as a pager or a slow disk.
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
    return brokenOff(error, call) ?? error;
  }
}

/** As the system has it when a peer goes: a broken pipe of ours would be taken for that of whoever reads our output. */
const GONE: ReadonlySet<string | undefined> = new Set(["EPIPE", "ECONNRESET"]);

function brokenOff(error: unknown, call: Call): Error | undefined {
  if (!GONE.has((error as NodeJS.ErrnoException).code)) return undefined;
  return new Error(`the daemon closed the connection before its response was complete${doubt(call)}`, {
    cause: error,
  });
}

/** What nobody knows of a change whose response did not come. */
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
  // Its refusal might not be read: the daemon is gone before all is sent.
  if (body.length > MAX_BODY)
    throw new Refused(
      413,
      `this is larger than ${sizeInWords(MAX_BODY)}, the most that the daemon accepts in one request`,
    );
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

function refusal(status: number, body: string): Refused {
  const error = (readJson(body) as Partial<ErrorBody> | undefined)?.error;
  return new Refused(status, error?.message ?? `the daemon responded with status ${status}`, error?.hint);
}

function readJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new Refused(0, "the daemon's response is not JSON");
  }
}
