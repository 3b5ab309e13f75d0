import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeWorld } from "../../../support/admin-fakes.ts";
import { operatorOf } from "../../../support/admin-requests.ts";

test("a request that does not fit is told where, what was wrong, and what would be right", async () => {
  const ask = operatorOf(new FakeWorld());
  const told = async (method: string, path: string, body?: object): Promise<string> => {
    const { status, json } = await ask(method, path, body);
    assert.equal(status, 400, path);
    return json.error.message;
  };
  const states = "waiting, claimed, unconfirmed, held, parked, gone";
  assert.equal(await told("GET", "/v1/queue?limit=0"), "limit: 0 is too small; write 1 or more");
  assert.equal(await told("GET", "/v1/queue?limit=1001"), "limit: 1001 is too large; write 1000 or less");
  assert.equal(await told("GET", "/v1/queue?limit=ten"), "limit: this is not a number");
  assert.equal(await told("GET", "/v1/queue?limit=1.5"), "limit: 1.5 is not a whole number");
  assert.equal(await told("GET", "/v1/queue?stat=held"), '"stat" is not known here');
  assert.equal(
    await told("GET", "/v1/queue?state=lost"),
    `state: "lost" is not a known value; write one of ${states}`,
  );
  assert.equal(await told("GET", "/v1/trace?about="), "about: is empty");
  assert.equal(await told("GET", "/v1/trace"), "about: is missing");
  assert.equal(
    await told("GET", `/v1/trace?about=${"x".repeat(1001)}`),
    "about: is longer than 1000 characters",
  );
  const add = (body: object): Promise<string> => told("POST", "/v1/domains", body);
  const primaries = [{ host: "m.example", port: 25 }];
  assert.equal(await add({ name: ["a.example"], primaries }), "name: a list is not a text");
  assert.equal(await add({ name: "a.example", primaries: [] }), "primaries: has fewer than 1 entries");
  assert.equal(await add({ name: "a b", primaries }), '"a b" is not a domain name');
  assert.equal(
    await add({ name: "a.example", primaries, checks: { helo: "\u001bmaybe" } }),
    'checks.helo: "maybe" is not a known value; write one of off, tag, defer, reject',
  );
  assert.equal(
    await add({ name: "a.example", primaries, tagSeparator: "none" }),
    'tagSeparator: write "+", or "" for none',
  );
  assert.equal(
    await add({ name: "a.example", primaries: [{ ...primaries[0], tls: "pin", pins: ["9f86"] }] }),
    "primaries.0.pins.0: is not 64 hexadecimal digits in lower case",
  );
  assert.equal(
    await add({ name: "a.example", primaries: [...primaries, { host: "M.example" }] }),
    "primaries.1: m.example:25 is listed twice",
  );
  assert.equal(await told("POST", "/v1/tokens", { name: "" }), "name: is empty");
  const keys = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, i]));
  assert.equal(
    await told("POST", "/v1/tokens", { name: "a", ...keys }),
    '"k0", "k1", "k2", "k3", "k4" and 995 more are not known here',
  );
  assert.equal(await told("POST", "/v1/tokens", { name: "a", b: 1, c: 2 }), '"b", "c" are not known here');
  assert.equal(
    await told("POST", "/v1/tokens", { name: "a b" }),
    "name: has other characters than letters, digits, `.`, `_` and `-`, or more than 64 of them",
  );
});
