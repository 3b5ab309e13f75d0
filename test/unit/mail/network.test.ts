import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clientNetwork,
  hostPort,
  isAddressLiteral,
  isLoopback,
  networkFault,
  networkHas,
  networkSet,
  normaliseIp,
  parseHostPort,
  parseNetwork,
  prefixKey,
  reverseName,
} from "../../../src/mail/network.ts";

test("mapped addresses are IPv4, in either spelling", () => {
  assert.equal(normaliseIp("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(normaliseIp("::FFFF:c000:0201"), "192.0.2.1");
  assert.equal(normaliseIp("FE80::1%eth0"), "fe80::1");
  assert.equal(clientNetwork("::ffff:c000:201"), "192.0.2.0/24");
});

test("a network has the addresses that share its bits", () => {
  const has = (network: string, ip: string): boolean => {
    const parsed = parseNetwork(network);
    assert.ok(parsed, network);
    return networkHas(parsed, ip);
  };
  assert.ok(has("192.0.2.1", "::ffff:192.0.2.1"));
  assert.ok(!has("192.0.2.1", "192.0.2.2"));
  assert.ok(has("192.0.2.0/23", "192.0.3.255"));
  assert.ok(!has("192.0.2.0/23", "192.0.4.0"));
  assert.ok(has("0.0.0.0/0", "203.0.113.9"));
  assert.ok(!has("0.0.0.0/0", "2001:db8::1"));
  assert.ok(has("2001:db8:8000::/33", "2001:db8:ffff::1"));
  assert.ok(!has("2001:db8:8000::/33", "2001:db8:7fff::1"));
  assert.ok(!has("192.0.2.0/24", "no address"));
});

test("what is no network, or has bits set beyond its prefix length, is nothing", () => {
  for (const text of [
    "",
    "192.0.2.1/24",
    "192.0.2.0/33",
    "2001:db8::1/64",
    "example.com",
    "1.2.3",
    "/8",
    "1.2.3.4/",
  ])
    assert.equal(parseNetwork(text), undefined, text);
});

test("what is wrong with a text that is no network is told, with what would be right", () => {
  const faults: readonly (readonly [text: string, wrong: string, right?: string])[] = [
    ["example.com", "is not a network"],
    ["192.0.2.0/24x", "is not a network"],
    ["192.0.2.0/", "is not a network"],
    [
      "192.0.2.130/33",
      "has a prefix length above 32, the number of bits in an IPv4 address",
      "write a prefix length of up to 32, such as 192.0.2.0/24, or 192.0.2.130 for the single address",
    ],
    [
      "2001:db8:0:1::7/129",
      "has a prefix length above 128, the number of bits in an IPv6 address",
      "write a prefix length of up to 128, such as 2001:db8:0:1::/64, or 2001:db8:0:1::7 for the single address",
    ],
    [
      "192.0.2.130/25",
      "has bits set beyond its prefix length",
      "write 192.0.2.128/25 for the network, or 192.0.2.130 for the single address",
    ],
    [
      "::1/0",
      "has bits set beyond its prefix length",
      "write ::/0 for the network, or ::1 for the single address",
    ],
    [
      "2001:db8::1/127",
      "has bits set beyond its prefix length",
      "write 2001:db8::/127 for the network, or 2001:db8::1 for the single address",
    ],
  ];
  for (const [text, wrong, right] of faults) {
    assert.deepEqual(networkFault(text), { wrong, ...(right !== undefined && { right }) });
    // What we propose is read.
    for (const proposed of right?.match(/[\da-f.:]+\/\d+/g) ?? [])
      assert.ok(parseNetwork(proposed), proposed);
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

test("a client shares its /24 or its /64, however its address is written", () => {
  const networks = ["192.0.2.77", "::ffff:192.0.2.77", "2001:DB8:0:1:2:3:4:5", "2001:db8::1", "fe80::1%eth0"];
  assert.deepEqual(networks.map(clientNetwork), [
    "192.0.2.0/24",
    "192.0.2.0/24",
    "2001:db8:0:1::/64",
    "2001:db8:0:0::/64",
    "fe80:0:0:0::/64",
  ]);
});

test("the DNS keeps the names of an address by its octets, or by all its nibbles", () => {
  assert.equal(reverseName("::ffff:192.0.2.7"), "7.2.0.192.in-addr.arpa");
  const nibbles = `1.${"0.".repeat(23)}8.b.d.0.1.0.0.2`;
  assert.equal(reverseName("2001:db8::1"), `${nibbles}.ip6.arpa`);
});

test("address literals: an address in brackets, IPv6 with its tag", () => {
  for (const text of ["[192.0.2.1]", "[IPv6:2001:db8::1]", "[ipv6:::1]"])
    assert.ok(isAddressLiteral(text), text);
  for (const text of [
    "[2001:db8::1]",
    "[12345::1]",
    "[IPv6:192.0.2.1]",
    "192.0.2.1",
    "[]",
    "[x]",
    "[192.0.2.1]x",
  ])
    assert.ok(!isAddressLiteral(text), text);
});

test("a machine is its own peer under its loopback addresses alone", () => {
  assert.deepEqual(["127.0.0.1", "127.9.9.9", "::1"].map(isLoopback), [true, true, true]);
  assert.deepEqual(["128.0.0.1", "1270.0.0.1", "::2", "::"].map(isLoopback), [false, false, false, false]);
});

test("a host and a port are read as they are written", () => {
  for (const [host, port] of [
    ["mail.example", 1],
    ["192.0.2.1", 65_535],
    ["2001:db8::1", 25],
  ] as const)
    assert.deepEqual(parseHostPort(hostPort(host, port)), { host, port });
  for (const text of [
    "mail.example",
    "mail.example:0",
    "a:65536",
    "2001:db8::1:25",
    "[a:b]:25",
    "[192.0.2.1]:25",
    ":25",
  ])
    assert.equal(parseHostPort(text), undefined, text);
});

test("a prefix has one key in each family", () => {
  assert.notEqual(prefixKey("0.0.0.0", 8), prefixKey("::", 8));
  assert.equal(prefixKey("192.0.2.1", 33), undefined);
  assert.equal(prefixKey("192.0.2.1", 24), prefixKey("192.0.2.200", 24));
});
