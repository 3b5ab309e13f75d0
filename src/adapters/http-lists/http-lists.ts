/**
 * Fetches lists of recipients over HTTP.
 *
 * A list is text/plain with one entry on each line and comments after `#`, or JSON: an array of strings or an object
 * with such an array as `recipients`. Anything else is a failure: a login page must not become a list.
 *
 * Invariants: at most 30 s and 64 MiB, enforced while the response arrives; at most three redirects, never from https
 * to http; the Authorization field is sent to the host of the URL only; a failure is a value with a message for the
 * operator that contains no secret.
 */
import type { FetchAnswer, FetchRequest, ListServer } from "../../ports/recipient-lists.ts";
import type { Clock } from "../../runtime/clock.ts";
import { fetchTrouble } from "../../runtime/fetch-trouble.ts";
import { type Environment, readSecret } from "../../runtime/secrets.ts";
import { readEntries } from "./entries.ts";

interface HttpListParts {
  readonly clock: Clock;
  /** Contains the variable that `authorizationEnv` names. */
  readonly environment: Environment;
}

/** How long one fetch may take, in ms. */
const LIMIT = 30_000;
const MOST_OCTETS = 64 * 1024 * 1024;
const MOST_REDIRECTS = 3;

export function httpLists(parts: HttpListParts): ListServer {
  return {
    fetch: async (request, ending) => {
      const limit = new AbortController();
      const timer = parts.clock.after(LIMIT, () => limit.abort());
      try {
        const signal = AbortSignal.any([limit.signal, ending]);
        const response = await follow(request, await headersFor(request, parts), signal);
        return await answerOf(response, request);
      } catch (error) {
        const why = limit.signal.aborted ? `no whole answer within ${LIMIT / 1000} s` : fetchTrouble(error);
        return { kind: "failed", why };
      } finally {
        timer.cancel();
        limit.abort();
      }
    },
  };
}

type Headers = Readonly<Record<string, string>>;

async function headersFor(request: FetchRequest, { environment }: HttpListParts): Promise<Headers> {
  const { etag } = request;
  const secret = await secretOf(request, environment);
  return {
    Accept: "application/json, text/plain",
    "User-Agent": "holdfast",
    ...(secret !== undefined && { Authorization: secret }),
    ...(etag !== undefined && { "If-None-Match": etag }),
  };
}

async function secretOf(
  { authorizationFile: file, authorizationEnv: env }: FetchRequest,
  environment: Environment,
): Promise<string | undefined> {
  if (file === undefined && env === undefined) return undefined;
  const secret = (await readSecret({ file, env }, environment)).trim();
  // The error of `fetch` would quote the secret.
  const unfit = secret.search(/[^\t\x20-\x7e\x80-\xff]/);
  if (unfit !== -1)
    throw new Error(`character ${unfit + 1} of the secret in ${file ?? env} fits into no HTTP header`);
  return secret;
}

async function follow({ url }: FetchRequest, headers: Headers, signal: AbortSignal): Promise<Response> {
  let place = new URL(url);
  for (let redirects = 0; ; redirects++) {
    const own = place.host === new URL(url).host && place.protocol === new URL(url).protocol;
    const { Authorization: _, ...open } = headers;
    const response = await fetch(place.href, { headers: own ? headers : open, redirect: "manual", signal });
    const target = response.headers.get("location");
    if (![301, 302, 303, 307, 308].includes(response.status) || target === null) return response;
    await response.body?.cancel();
    if (redirects === MOST_REDIRECTS) throw new Error(`more than ${MOST_REDIRECTS} redirects`);
    const next = URL.parse(target, place.href);
    const safe =
      next?.protocol === "https:" ||
      (next?.protocol === "http:" && next.host === place.host && place.protocol === "http:");
    if (next === null || !safe) throw new Error("it redirects to what is not https");
    // The error of `fetch` would quote the password.
    if (next.username !== "" || next.password !== "")
      throw new Error("it redirects to an address with a password");
    place = next;
  }
}

async function answerOf(response: Response, { etag: known }: FetchRequest): Promise<FetchAnswer> {
  if (response.status === 304 && known !== undefined) return { kind: "unchanged" };
  if (response.status !== 200) throw new Error(`it answered ${response.status}`);
  const entries = readEntries(await bytesOf(response), response.headers.get("content-type") ?? "");
  if (typeof entries === "string") throw new Error(entries);
  const etag = response.headers.get("etag");
  return { kind: "list", entries, ...(etag !== null && { etag }) };
}

async function bytesOf(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MOST_OCTETS) throw new Error(`the list is larger than ${MOST_OCTETS} octets`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
