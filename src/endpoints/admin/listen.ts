/** Starts and stops the two listeners of the admin API. */
import { chmodSync, existsSync, lstatSync, unlinkSync, type Stats } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import { dirname } from "node:path";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { CannotListen, explainListen } from "../../runtime/listening.ts";
import type { AdminEnv } from "./parts.ts";
import { hostPort } from "../../mail/network.ts";

/** Longest path of a Unix socket on Linux, in octets. */
const MAX_SOCKET_PATH = 107;
/** Open connections per listener; the admin API serves a few people and programs. */
const MAX_CONNECTIONS = 256;
/** Requests on one connection that are not answered yet. */
const MOST_UNANSWERED = 16;
/** Milliseconds without progress after which a TCP connection is closed; more than the longest change may take. */
const STALLED = 660_000;
/** Milliseconds that requests in progress get when the listener stops. */
const GRACE = 2000;

export function httpServer(app: Hono<AdminEnv>): Server {
  const answer = getRequestListener(app.fetch as Parameters<typeof getRequestListener>[0], {
    overrideGlobalObjects: false,
  });
  const limits = { headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 5000 };
  const server = createServer(limits, withoutFloods(answer));
  server.maxConnections = MAX_CONNECTIONS;
  // Load balancers use HTTP/1.0, which does not require a Host field, but the HTTP library refuses requests without it.
  server.prependListener("request", ({ headers }) => void (headers.host ??= "localhost"));
  return server;
}

/**
 * Disconnects clients that send further requests without waiting for answers. The HTTP library begins all requests that
 * arrive, in any number, and keeps them while the client reads no answers.
 */
function withoutFloods(answer: RequestListener): RequestListener {
  const unanswered = new WeakMap<Socket, number>();
  const count = (socket: Socket, change: number): number => {
    const now = (unanswered.get(socket) ?? 0) + change;
    unanswered.set(socket, now);
    return now;
  };
  return (request, response) => {
    const { socket } = request;
    if (count(socket, 1) > MOST_UNANSWERED) return void socket.destroy();
    response.once("close", () => count(socket, -1));
    answer(request, response);
  };
}

/** Listens on a TCP address; resolves with `address:port`, rejects with CannotListen. */
export async function listenTcp(server: Server, address: string, port: number): Promise<string> {
  // Not on the Unix socket, where an operator may read an export page by page.
  server.timeout = STALLED;
  const listening = Promise.withResolvers<void>();
  server.once("error", (error) => listening.reject(explainListen(error, address, port)));
  server.listen({ host: address, port, exclusive: true }, () => listening.resolve());
  await listening.promise;
  const bound = server.address();
  const actual = typeof bound === "object" && bound !== null ? bound.port : port;
  return hostPort(address, actual);
}

/** Listens on a Unix socket that only its owner may open. Replaces the socket file of a dead daemon. */
export async function listenSocket(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
    throw new CannotListen(
      `cannot listen on ${path}: a socket's path has at most ${MAX_SOCKET_PATH} octets; use a storage folder with a shorter path`,
    );
  const folder = dirname(path);
  // For a missing folder, the system reports a permission error.
  if (!existsSync(folder))
    throw new CannotListen(
      `cannot listen on ${path}: there is no folder ${folder}; make it (systemd: RuntimeDirectory), or change admin.socket`,
    );
  await makeWay(path);
  const listening = Promise.withResolvers<void>();
  server.once("error", (error) =>
    listening.reject(new CannotListen(`cannot listen on ${path}: ${error.message}`)),
  );
  server.listen(path, () => {
    // The folder is 0700 already; this protects the file itself as well.
    chmodSync(path, 0o600);
    listening.resolve();
  });
  await listening.promise;
}

/** Stops a listener: idle connections end at once, the others after GRACE at the latest. */
export async function closeServer(server: Server): Promise<void> {
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  const force = setTimeout(() => server.closeAllConnections(), GRACE);
  await closed.promise;
  clearTimeout(force);
}

async function makeWay(path: string): Promise<void> {
  const found: Stats | undefined = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new CannotListen(`cannot listen on ${path}: a file that is no socket is in the way`);
  if (await answers(path)) throw new CannotListen(`cannot listen on ${path}: another daemon answers there`);
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
