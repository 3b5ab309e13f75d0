import assert from "node:assert/strict";
import { test } from "node:test";
import { domainOfKey, placeOfKey, reroutedKey, reroutedRange } from "../../../src/mail/delivery-key.ts";
import { parseHostPort } from "../../../src/mail/network.ts";

test("a key is the domain, or the domain and where an operator sends its mail", () => {
  const key = reroutedKey("example.com", "[2001:db8::1]:2525");
  assert.deepEqual([domainOfKey(key), placeOfKey(key)], ["example.com", "[2001:db8::1]:2525"]);
  assert.deepEqual([domainOfKey("example.com"), placeOfKey("example.com")], ["example.com", undefined]);
});

test("the range of a domain has its rerouted keys and no other domain's", () => {
  const [above, below] = reroutedRange("example.com");
  const within = (key: string): boolean => key > above && key < below;
  assert.ok(within(reroutedKey("example.com", "a:1")));
  for (const other of ["example.com", "example.com.au", "example.com-x.test", "example.coma"])
    assert.ok((!within(other) && !within(reroutedKey(other, "a:1"))) || other === "example.com", other);
});

test("a place is a host and a port", () => {
  assert.deepEqual(parseHostPort("Mail.example.com:25"), { host: "mail.example.com", port: 25 });
  assert.deepEqual(parseHostPort("[2001:DB8::1]:2525"), { host: "2001:db8::1", port: 2525 });
  for (const wrong of [
    "",
    "mail",
    "mail:0",
    "mail:65536",
    "a b:25",
    "[mail]:25",
    "2001:db8::1:25",
    "mail:25:25",
  ])
    assert.equal(parseHostPort(wrong), undefined, wrong);
});
