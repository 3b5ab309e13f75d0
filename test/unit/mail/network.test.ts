import assert from "node:assert/strict";
import { test } from "node:test";
import { networkSet, parseNetwork } from "../../../src/mail/network.ts";

test("networks", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["192.0.2.7", "192.0.2.7/32"],
    ["2001:DB8::/32", "2001:db8::/32"],
    ["::1", "::1/128"],
    ["::ffff:10.0.0.1", "10.0.0.1/32"],
    ["0.0.0.0/0", undefined],
    ["::/0", undefined],
    ["10.0.0.0/33", undefined],
    ["10.0.0/8", undefined],
    ["10.0.0.0/", undefined],
    ["10.0.0.0/8/8", undefined],
    ["fe80::1%eth0", undefined],
    ["", undefined],
    ["mail.example", undefined],
  ];
  for (const [text, wanted] of cases) {
    const found = parseNetwork(text);
    assert.equal(found && `${found.address}/${found.prefix}`, wanted, text);
  }
});

test("a set knows who lies in it", () => {
  const inside = networkSet(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
  for (const ip of ["10.255.0.1", "::ffff:10.0.0.1", "192.0.2.7", "2001:DB8:ffff::1"])
    assert.ok(inside(ip), ip);
  for (const ip of ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::1", "", "10.0.0.1 "])
    assert.ok(!inside(ip), ip);
  assert.equal(networkSet([])("10.0.0.1"), false);
  assert.throws(() => networkSet(["everybody"]), /everybody/);
});
