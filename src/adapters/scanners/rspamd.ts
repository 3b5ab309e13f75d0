import { request, type ClientRequest, type IncomingMessage } from "node:http";
import type { InspectedMail } from "../../ports/inspection.ts";
import type { SpamResult } from "../../ports/scanner.ts";
import { placeOf, Trouble, type Exchange } from "./exchange.ts";
import { readVerdict } from "./rspamd-reply.ts";

/** Longest answer of rspamd that is read, in octets. */
const LONGEST_ANSWER = 1024 * 1024;
/** Most octets of recipients that are passed to rspamd, which rejects a request whose header exceeds 80 KiB. */
const MOST_RECIPIENTS = 64 * 1024;

/** Sends `POST /checkv2` to rspamd, with the body in chunks, over a new connection for each mail. */
export class RspamdExchange implements Exchange<SpamResult> {
  readonly #request: ClientRequest;
  readonly #answer = Promise.withResolvers<SpamResult>();
  #ended = false;
  #over = false;
  #wake: () => void = () => {};

  constructor(server: string, mail: InspectedMail) {
    // The promise may be rejected before a caller of end() handles it.
    this.#answer.promise.catch(() => {});
    const { path, host, port } = placeOf(server);
    const where = path === undefined ? { host, port } : { socketPath: path };
    const headers = headersOf(mail);
    this.#request = request({ ...where, method: "POST", path: "/checkv2", agent: false, headers });
    this.#request.on("response", (response) => this.#read(response));
    this.#request.on("drain", () => this.#wake());
    this.#request.on("error", (error) => this.#finish(new Trouble(error.message)));
    this.#request.on("close", () => this.#finish(new Trouble("closed the connection without an answer")));
  }

  write(chunk: Buffer): Promise<void> | undefined {
    if (this.#over || chunk.length === 0 || this.#request.write(chunk)) return undefined;
    return new Promise((resolve) => (this.#wake = resolve));
  }

  end(): Promise<SpamResult> {
    this.#ended = true;
    if (!this.#over) this.#request.end();
    return this.#answer.promise;
  }

  abort(): void {
    this.#finish(new Trouble("given up"));
  }

  #read(response: IncomingMessage): void {
    if (!this.#ended) return this.#finish(new Trouble("answered before the end"));
    if (response.statusCode !== 200) return this.#finish(new Trouble(`answered HTTP ${response.statusCode}`));
    const chunks: Buffer[] = [];
    let size = 0;
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > LONGEST_ANSWER) this.#finish(new Trouble("answered without end"));
      else chunks.push(chunk);
    });
    response.on("error", (error) => this.#finish(new Trouble(error.message)));
    response.on("end", () => this.#finish(readVerdict(Buffer.concat(chunks).toString("utf8"))));
  }

  #finish(result: SpamResult | Trouble): void {
    if (this.#over) return;
    this.#over = true;
    if (result instanceof Trouble) this.#answer.reject(result);
    else this.#answer.resolve(result);
    this.#wake();
    this.#request.destroy();
  }
}

/** Returns the envelope as HTTP header fields for rspamd, in pairs, because there is one `Rcpt` for each recipient. */
function headersOf({ id, client, sender, recipients }: InspectedMail): string[] {
  const pairs: [string, string][] = [
    ["Host", "rspamd"],
    ["Queue-Id", id],
    ["IP", client.ip],
    ["Helo", client.helo],
    ["From", sender === "" ? "<>" : sender],
    ...firstOf(recipients).map((recipient): [string, string] => ["Rcpt", recipient]),
  ];
  if (client.name !== undefined) pairs.push(["Hostname", client.name]);
  pairs.push(["Transfer-Encoding", "chunked"]);
  return pairs.flatMap(([name, value]) => [name, headerText(value)]);
}

/** As many recipients as fit. */
function firstOf(recipients: readonly string[]): readonly string[] {
  let octets = 0;
  const end = recipients.findIndex((recipient) => {
    octets += Buffer.byteLength(`Rcpt: ${recipient}\r\n`);
    return octets > MOST_RECIPIENTS;
  });
  return end === -1 ? recipients : recipients.slice(0, end);
}

/** Returns UTF-8 text as the octets of a header field, without control characters, which could end the field. */
function headerText(value: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return Buffer.from(value.replace(/[\x00-\x1f\x7f]/g, ""), "utf8").toString("latin1");
}
