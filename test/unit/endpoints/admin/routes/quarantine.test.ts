import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import {
  AllowedSenderBody,
  AllowedSenderList,
  QueuePage,
} from "../../../../../src/endpoints/admin/contract.ts";
import { FakeWorld, FIRST, queueEntry } from "../../../../support/admin-fakes.ts";
import { operatorOf, strangerOf } from "../../../../support/admin-requests.ts";

const SENDERS = "/v1/quarantine/senders";

let world: FakeWorld;
beforeEach(() => {
  world = new FakeWorld();
});

test("a sender is allowed once, in one spelling, and forgotten again", async () => {
  const ask = operatorOf(world);
  const added = await ask("POST", SENDERS, { sender: "News@Sender.Example" });
  assert.equal(added.status, 201);
  assert.deepEqual(AllowedSenderBody.parse(added.json), {
    sender: "news@sender.example",
    at: world.clock.now(),
    who: "socket",
  });
  assert.equal((await ask("POST", SENDERS, { sender: "news@sender.example" })).status, 409);
  assert.equal(
    (await ask("POST", SENDERS, { sender: "@Bücher.example", domain: "example.com" })).status,
    201,
  );
  const { items } = AllowedSenderList.parse((await ask("GET", SENDERS)).json);
  assert.deepEqual(
    items.map(({ sender, domain }) => [sender, domain]),
    [
      ["news@sender.example", undefined],
      ["@xn--bcher-kva.example", "example.com"],
    ],
  );
  assert.equal((await ask("DELETE", `${SENDERS}?sender=news@sender.example`)).status, 204);
  assert.equal((await ask("DELETE", `${SENDERS}?sender=news@sender.example`)).status, 404);
  for (const sender of ["nobody", "", "@", "a@b@", "@a..b"])
    assert.equal((await ask("POST", SENDERS, { sender })).status, 400, sender);
  const elsewhere = { sender: "a@x.example", domain: "exmaple.com" };
  assert.equal(
    (await ask("POST", SENDERS, elsewhere)).status,
    404,
    "a domain of ours, or it would never count",
  );
  const acts = world.events.flatMap((event) => (event.kind === "operator.acted" ? [event.verb] : []));
  assert.deepEqual(acts, ["quarantine sender-allow", "quarantine sender-allow", "quarantine sender-forget"]);
});

test("a confined token allows senders for its own domain only", async () => {
  world.senders = [{ sender: "a@x.example", at: 1, who: "socket" }];
  const token = await world.tokens.create("sync", "example.com");
  const ask = strangerOf(world, token?.secret);
  assert.equal((await ask("POST", SENDERS, { sender: "b@x.example", domain: "other.example" })).status, 403);
  assert.equal((await ask("POST", SENDERS, { sender: "b@x.example" })).status, 201);
  assert.equal(world.senders[1]?.domain, "example.com");
  const { items } = AllowedSenderList.parse((await ask("GET", SENDERS)).json);
  assert.deepEqual(
    items.map(({ sender }) => sender),
    ["b@x.example"],
  );
  assert.equal((await ask("DELETE", `${SENDERS}?sender=a@x.example`)).status, 404);
});

test("a confined token allows at most 10,000 senders, an operator more", async () => {
  const ofDomain = { domain: "example.com", at: 1, who: "sync" };
  world.senders = Array.from({ length: 10_000 }, (_, n) => ({ sender: `${n}@x.example`, ...ofDomain }));
  const token = await world.tokens.create("sync", "example.com");
  const confined = strangerOf(world, token?.secret);
  const another = { sender: "a@x.example", domain: "example.com" };
  const { status, json } = await confined("POST", SENDERS, another);
  assert.deepEqual([status, json.error?.message], [409, "example.com allows 10000 senders already"]);
  assert.equal((await operatorOf(world)("POST", SENDERS, another)).status, 201);
  world.senders = world.senders.slice(2);
  assert.equal((await confined("POST", SENDERS, { sender: "b@x.example" })).status, 201);
  const neighbour = await world.tokens.create("other", "other.example");
  assert.equal(
    (await strangerOf(world, neighbour?.secret)("POST", SENDERS, { sender: "a@x.example" })).status,
    201,
  );
});

test("mail in quarantine is found by its reason, with why and subject", async () => {
  const held = { state: "held", reason: "quarantine", quarantine: "virus X", subject: "Buy" } as const;
  world.entries.push(queueEntry({ id: FIRST, n: 5, ...held }));
  const page = QueuePage.parse((await operatorOf(world)("GET", "/v1/queue?reason=quarantine")).json);
  assert.deepEqual(
    page.items.map(({ n, quarantine, subject }) => [n, quarantine, subject]),
    [[5, "virus X", "Buy"]],
  );
  assert.equal(page.total, undefined);
  assert.equal((await operatorOf(world)("GET", "/v1/queue?reason=odd")).status, 400);
});
