/** Requests to the admin application without a listener, as the socket's operator or as a token's bearer. */
import { buildApplication } from "../../src/endpoints/admin/application.ts";
import { FailureTable, requireToken, trustSocket } from "../../src/endpoints/admin/authenticate.ts";
import type { FakeWorld } from "./admin-fakes.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Tests look into answers of every shape.
  readonly json: any;
}

type Ask = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>;

export function operatorOf(world: FakeWorld): Ask {
  return asking(buildApplication(world.parts("unused"), trustSocket()));
}

/** Over TCP, with the secret where one is given. */
export function strangerOf(world: FakeWorld, secret?: string): Ask {
  const guard = requireToken(world.tokens, new FailureTable(world.clock));
  const ask = asking(buildApplication(world.parts("unused"), guard));
  const own = secret === undefined ? {} : { Authorization: `Bearer ${secret}` };
  return (method, path, body, headers) => ask(method, path, body, { ...own, ...headers });
}

function asking(app: ReturnType<typeof buildApplication>): Ask {
  return async (method, path, body, headers = {}) => {
    const init: RequestInit = { method, headers: { "Content-Type": "application/json", ...headers } };
    const asItIs = typeof body === "string" || body instanceof Uint8Array;
    if (body !== undefined) init.body = asItIs ? body : JSON.stringify(body);
    const response = await app.request(path, init, {});
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  };
}
