import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { endpoint, hostOrLiteral, nameServer, storageFolder } from "../../../src/config/addresses.ts";

test("a primary's host may be a name or an IP address, with or without brackets", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["Mail.Example.COM.", "mail.example.com"],
    ["mäil.example", "xn--mil-qla.example"],
    ["192.0.2.1", "192.0.2.1"],
    ["[192.0.2.1]", "192.0.2.1"],
    ["2001:DB8::1", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["[IPv6:2001:db8::1]", "2001:db8::1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:DB8:0:0:0::0001", "2001:db8::1"],
  ];
  for (const [text, host] of cases) assert.equal(hostOrLiteral().parse(text), host);
  for (const text of [
    "",
    "a b",
    "-a.example",
    "192.0.2",
    "192.0.2.1:25",
    "[192.0.2.1",
    "a..b",
    "user@a.example",
    "fe80::1%eth0",
    "[fe80::1%eth0]",
  ])
    assert.equal(hostOrLiteral().safeParse(text).success, false, text);
});

test("the correction suggested for a host with a port is valid YAML as printed", () => {
  const [issue] = hostOrLiteral().safeParse("[2001:db8::1]:26").error?.issues ?? [];
  const [, advice = ""] = /write (.*)/.exec(issue?.message ?? "") ?? [];
  assert.deepEqual(parse(`{ ${advice.replace(" and", ",")} }`), { host: "[2001:db8::1]", port: 26 });
});

test("an endpoint is an IP address and a port, with IPv6 in brackets", () => {
  assert.deepEqual(endpoint().parse("127.0.0.1:1"), { address: "127.0.0.1", port: 1 });
  assert.deepEqual(endpoint().parse("[::]:25"), { address: "::", port: 25 });
  assert.deepEqual(endpoint().parse("[0:0::0:1]:25"), { address: "::1", port: 25 });
  assert.deepEqual(endpoint().parse("[fe80::1%eth0]:25"), { address: "fe80::1%eth0", port: 25 });
  for (const text of ["127.0.0.1", "[127.0.0.1]:25", "::1:25", "[::]", "[::]:x", "127.0.0.1:65536", "*:25"])
    assert.equal(endpoint().safeParse(text).success, false, text);
  // With port 0, every thread would listen on a different port that no log names.
  assert.match(String(endpoint().safeParse("127.0.0.1:0").error), /port 0 is not between 1 and 65535/);
});

test("a name server is an IP address, and its port is 53 if none is written", () => {
  assert.equal(nameServer().parse("[2001:db8::1]:5353"), "[2001:db8::1]:5353");
  assert.equal(nameServer().parse("2001:db8::1"), "[2001:db8::1]:53");
  assert.equal(nameServer().parse("192.0.2.1:65535"), "192.0.2.1:65535");
  for (const text of [
    "192.0.2.1:0",
    "192.0.2.1:65536",
    "192.0.2",
    "[]:53",
    "[fe80::1%eth0]:53",
    "fe80::1%eth0",
  ])
    assert.equal(nameServer().safeParse(text).success, false, text);
});

test("a storage is written as sqlite: and a folder", () => {
  assert.equal(storageFolder().parse("sqlite:./data"), "./data");
  assert.equal(storageFolder().parse("sqlite:///var/lib/holdfast"), "///var/lib/holdfast");
  for (const text of ["sqlite:", "sqlite:./da\tta"])
    assert.equal(storageFolder().safeParse(text).success, false, text);
});
