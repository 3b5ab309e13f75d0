import assert from "node:assert/strict";
import { test } from "node:test";
import { ExplainBody } from "../../../../../src/endpoints/admin/contract.ts";
import { FakeWorld } from "../../../../support/admin-fakes.ts";
import { operatorOf, strangerOf } from "../../../../support/admin-requests.ts";

const QUERY = "ip=192.0.2.1&helo=c.example&from=a@b.example&rcpt=alice@example.com";

function world(): FakeWorld {
  const fake = new FakeWorld();
  fake.explain = async ({ sender, recipient }) => ({
    steps: [{ reply: "220 mx" }, { command: `MAIL FROM:<${sender}>`, reply: "250 Ok" }],
    verdict: "tag",
    fields: [`X-To: ${recipient}`],
    checks: [["dnsbl", "rcpt", "not listed", 3, 1]],
    greetDelay: 100,
  });
  return fake;
}

test("tells what a client would be told", async () => {
  const { json } = await operatorOf(world())("GET", `/v1/explain?${QUERY}`);
  const body = ExplainBody.parse(json);
  assert.deepEqual(body.checks, [{ check: "dnsbl", stage: "rcpt", said: "not listed", took: 3, times: 1 }]);
  assert.deepEqual(body.fields, ["X-To: alice@example.com"]);
});

test("a client is the same in every spelling of its address", async () => {
  const fake = world();
  const asked: string[] = [];
  const { explain } = fake;
  fake.explain = (request) => {
    asked.push(request.ip);
    return explain(request);
  };
  for (const ip of ["2001:DB8:0:0::1", "2001:db8::0:1", "::FFFF:192.0.2.1", "0:0:0:0:0:ffff:c000:201"])
    await operatorOf(fake)("GET", `/v1/explain?${QUERY.replace("192.0.2.1", ip)}`);
  assert.deepEqual(asked, ["2001:db8::1", "2001:db8::1", "192.0.2.1", "192.0.2.1"]);
});

test("a confined token asks for its domain only", async () => {
  const fake = world();
  const secret = (await fake.tokens.create("sync", "example.com"))?.secret ?? "";
  const ask = strangerOf(fake, secret);
  assert.equal((await ask("GET", `/v1/explain?${QUERY}`)).status, 200);
  assert.equal(
    (await ask("GET", `/v1/explain?${QUERY.replace("example.com", "other.example")}`)).status,
    403,
  );
  assert.equal(
    (await ask("GET", `/v1/explain?${QUERY.replace("alice@example.com", "postmaster")}`)).status,
    403,
  );
});

test("wrong questions have their sentence, and a door that is shut too", async () => {
  const ask = operatorOf(new FakeWorld());
  const wrong: readonly (readonly [string, number, RegExp])[] = [
    [QUERY.replace("192.0.2.1", "192.0.2.0/24"), 400, /^ip: "192.0.2.0\/24" is no IP address/],
    [QUERY.replace("helo=c.example", "helo="), 400, /^helo: /],
    [QUERY.replace(/&rcpt=.*/, ""), 400, /^rcpt: /],
    [`${QUERY}&more=1`, 400, /more/],
    [QUERY, 409, /no SMTP thread/],
  ];
  for (const [query, status, expected] of wrong) {
    const answer = await ask("GET", `/v1/explain?${query}`);
    assert.equal(answer.status, status, query);
    assert.match(answer.json.error.message, expected);
  }
});
