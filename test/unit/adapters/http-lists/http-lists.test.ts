import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { httpLists } from "../../../../src/adapters/http-lists/http-lists.ts";
import type { FetchAnswer, FetchRequest } from "../../../../src/ports/recipient-lists.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { tempFolder } from "../../../support/temp-folder.ts";
import { makeCertificate, type TestCertificate } from "../../../support/test-certificate.ts";
import { listenLocally } from "../../../support/http-listener.ts";
import { waitFor } from "../../../support/wait.ts";

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** Over TLS where a certificate for localhost is given. */
async function serving(serve: Serve, pair?: TestCertificate) {
  const seen: IncomingMessage["headers"][] = [];
  const answer: Serve = (request, response) => {
    seen.push(request.headers);
    serve(request, response);
  };
  const server =
    pair === undefined
      ? createServer(answer)
      : createTlsServer({ cert: pair.certificate, key: pair.key }, answer);
  const listener = await listenLocally(server);
  const { port } = listener;
  const url = pair === undefined ? `http://127.0.0.1:${port}/list` : `https://localhost:${port}/list`;
  return { ...listener, seen, url };
}

const clock = new ManualClock();

const ending = new AbortController();

function ask(request: FetchRequest, environment: Record<string, string> = {}): Promise<FetchAnswer> {
  return httpLists({ clock, environment }).fetch(request, ending.signal);
}

/** One answer of this type and text. */
async function answering(type: string, body: string | Buffer, headers = {}): Promise<FetchAnswer> {
  await using server = await serving((_, response) => {
    response.writeHead(200, { "Content-Type": type, ...headers }).end(body);
  });
  return await ask({ url: server.url });
}

async function failing(type: string, body: string | Buffer): Promise<string> {
  const answer = await answering(type, body);
  return answer.kind === "failed" ? answer.why : answer.kind;
}

test("reads text, JSON and compressed lists", async () => {
  const entries = ["alice", "list-*"];
  const list = { kind: "list", entries };
  const text = "# staff\nalice\r\n\n  list-*  # lists\n";
  assert.deepEqual(await answering("text/plain; charset=utf-8", text), list);
  assert.deepEqual(await answering("application/json", JSON.stringify(entries)), list);
  assert.deepEqual(await answering("application/x+json", JSON.stringify({ recipients: entries })), list);
  const packed = await answering("text/plain", gzipSync("alice\nlist-*"), {
    "Content-Encoding": "gzip",
    ETag: '"7"',
  });
  assert.deepEqual(packed, { ...list, etag: '"7"' });
});

test("an answer that is no list is a failure with its reason", async () => {
  assert.equal(
    await failing("text/html", "<h1>log in</h1>"),
    "the answer is text/html, neither JSON nor plain text",
  );
  assert.equal(await failing("application/json", "{"), "the answer is not sound JSON");
  assert.equal(
    await failing("application/json", "{}"),
    "the JSON is neither an array nor an object with `recipients`",
  );
  assert.equal(await failing("application/json", '["a", 1]'), "entry 2 of the JSON is not a text");
  const latin1 = Buffer.from("\xe9lodie", "latin1");
  assert.equal(await failing("text/plain", latin1), "the answer is not UTF-8 text");
  assert.equal(await failing("application/json", latin1), "the answer is not UTF-8 text");
  assert.equal(
    await failing("application/gzip", gzipSync("alice")),
    "the answer is application/gzip, neither JSON nor plain text",
  );
});

test("sends its validators, and handles 304 and refusals", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "secret");
  await writeFile(file, "Bearer from-file\nnot this\n");
  let status = 304;
  await using server = await serving((_, response) => void response.writeHead(status).end());
  const { url } = server;
  assert.deepEqual(await ask({ url, etag: '"7"', authorizationFile: file }), { kind: "unchanged" });
  assert.equal(server.seen[0]?.["if-none-match"], '"7"');
  assert.equal(server.seen[0]?.authorization, "Bearer from-file");
  await ask({ url, authorizationEnv: "SECRET" }, { SECRET: "Basic x" });
  assert.equal(server.seen[1]?.authorization, "Basic x");
  assert.deepEqual(await ask({ url }), { kind: "failed", why: "it answered 304" });
  status = 401;
  assert.deepEqual(await ask({ url }), { kind: "failed", why: "it answered 401" });
  const asked = server.seen.length;
  const unset = { kind: "failed", why: "SECRET is not set in the environment" };
  assert.deepEqual(await ask({ url, authorizationEnv: "SECRET" }), unset);
  const gone = `${file}x cannot be read (ENOENT)`;
  assert.deepEqual(await ask({ url, authorizationFile: `${file}x` }), { kind: "failed", why: gone });
  assert.equal(server.seen.length, asked);
});

test("a secret that is no valid header value is neither sent nor quoted; white space around it is removed", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "secret");
  await using server = await serving((_, response) => void response.writeHead(401).end());
  const { url } = server;
  const unfit = (at: number, source: string) => {
    return { kind: "failed", why: `character ${at} of the secret in ${source} fits into no HTTP header` };
  };
  for (const unsound of ["\nX: y", "\u20ac", "\x7f", "\0"]) {
    const environment = { SECRET: ` Bearer s3${unsound}cr3t` };
    assert.deepEqual(await ask({ url, authorizationEnv: "SECRET" }, environment), unfit(10, "SECRET"));
  }
  await writeFile(file, "Bearer s3cr3t\0\n");
  assert.deepEqual(await ask({ url, authorizationFile: file }), unfit(14, file));
  await writeFile(file, "\ufeff\r\nBearer s3cr3t");
  const empty = { kind: "failed", why: `${file} has no first line` };
  assert.deepEqual(await ask({ url, authorizationFile: file }), empty);
  assert.deepEqual(server.seen, []);
  await writeFile(file, "\ufeffBearer s3cr3t\r");
  await ask({ url, authorizationFile: file });
  await ask({ url, authorizationEnv: "SECRET" }, { SECRET: "Basic x\n" });
  assert.deepEqual(
    server.seen.map(({ authorization }) => authorization),
    ["Bearer s3cr3t", "Basic x"],
  );
});

test("follows three redirects, sends the secret to no other host, and never follows to plain http", async () => {
  await using other = await serving((_, response) => {
    response.writeHead(200, { "Content-Type": "text/plain" }).end("alice");
  });
  let hops = 0;
  let target = "/list";
  await using server = await serving((_, response) => {
    hops += 1;
    response.writeHead(302, { Location: target }).end();
  });
  const fetched = await ask({ url: server.url, authorizationEnv: "SECRET" }, { SECRET: "Basic x" });
  assert.deepEqual(fetched, { kind: "failed", why: "more than 3 redirects" });
  assert.equal(hops, 4);
  for (target of [other.url, "ftp://127.0.0.1/x", "http://"]) {
    assert.deepEqual(await ask({ url: server.url }), {
      kind: "failed",
      why: "it redirects to what is not https",
    });
  }
  assert.equal(other.seen.length, 0);
});

test("a password in the target of a redirect is never quoted", async () => {
  for (const login of ["user:secret@", ":secret@", "user@"]) {
    await using server = await serving((_, response) => {
      response.writeHead(302, { Location: server.url.replace("//", `//${login}`) }).end();
    });
    const answer = await ask({ url: server.url });
    assert.deepEqual(answer, { kind: "failed", why: "it redirects to an address with a password" });
  }
});

test("a server that is down, hangs or sends without end is a failure", async () => {
  await using gone = await serving(() => undefined);
  const { url } = gone;
  const slow = ask({ url });
  await waitFor({ what: "it asks", deadline: 5000 }, () => gone.seen.length === 1);
  clock.advance(30_000);
  assert.deepEqual(await slow, { kind: "failed", why: "no whole answer within 30 s" });
  await gone[Symbol.asyncDispose]();
  const answer = await ask({ url });
  assert.match(answer.kind === "failed" ? answer.why : "", /ECONNREFUSED/);
  await using torn = await serving((_, response) => {
    response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": "100" });
    response.write("alice\n", () => response.destroy());
  });
  const why = "the connection broke off before the answer was whole";
  assert.deepEqual(await ask({ url: torn.url }), { kind: "failed", why });
  await using endless = await serving((_, response) => {
    response.writeHead(200, { "Content-Type": "text/plain" });
    const chunk = Buffer.alloc(1 << 20, "a");
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on("drain", more);
    more();
  });
  const huge = { kind: "failed", why: "the list is larger than 67108864 octets" };
  assert.deepEqual(await ask({ url: endless.url }), huge);
});

test("an aborted fetch ends at once", async () => {
  await using silent = await serving(() => undefined);
  const stop = new AbortController();
  const { fetch } = httpLists({ clock, environment: {} });
  const asking = fetch({ url: silent.url }, stop.signal);
  await waitFor({ what: "it asks", deadline: 5000 }, () => silent.seen.length === 1);
  stop.abort();
  assert.equal((await asking).kind, "failed");
});

test("the secret is sent to a redirect target of the same origin only", async () => {
  const pair = await makeCertificate("localhost");
  const trusted = getCACertificates("default");
  setDefaultCACertificates([...trusted, pair.certificate]);
  try {
    const list: Serve = (_, response) =>
      void response.writeHead(200, { "Content-Type": "text/plain" }).end("alice");
    await using other = await serving(list, pair);
    await using own = await serving((request, response) => {
      const target = request.url === "/list" ? "/moved" : other.url;
      response.writeHead(307, { Location: target }).end();
    }, pair);
    const answer = await ask({ url: own.url, authorizationEnv: "SECRET" }, { SECRET: "Basic x" });
    assert.deepEqual(answer, { kind: "list", entries: ["alice"] });
    assert.deepEqual(
      [...own.seen, ...other.seen].map(({ authorization }) => authorization),
      ["Basic x", "Basic x", undefined],
    );
  } finally {
    setDefaultCACertificates(trusted);
  }
});
