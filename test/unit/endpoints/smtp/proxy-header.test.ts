import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { readProxyHeader, takeProxyHeader } from "../../../../src/endpoints/smtp/proxy-header.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";

function binary(rest: string): Buffer {
  return Buffer.from(SIGNATURE + rest.replaceAll(" ", ""), "hex");
}

const V6 = "20010db8000000000000000000000001 00000000000000000000000000000001 9c40 0019";
const LONGEST_V6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
const SOUND: readonly (readonly [string, Buffer, string | undefined])[] = [
  ["v1 TCP4", Buffer.from("PROXY TCP4 192.0.2.7 10.0.0.1 1 25\r\n"), "192.0.2.7"],
  ["v1 TCP6", Buffer.from("PROXY TCP6 2001:db8::1 ::1 1 25\r\n"), "2001:db8::1"],
  ["v1 TCP6, written out", Buffer.from("PROXY TCP6 2001:DB8:0:0:0:0:0:1 ::1 1 25\r\n"), "2001:db8::1"],
  ["v1 mapped, written out", Buffer.from("PROXY TCP6 0:0:0:0:0:ffff:c000:207 ::1 1 25\r\n"), "192.0.2.7"],
  ["v1 mapped", Buffer.from("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 25\r\n"), "192.0.2.7"],
  ["v1 UNKNOWN", Buffer.from("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), undefined],
  [
    "v1 UNKNOWN, 107 octets",
    Buffer.from(`PROXY UNKNOWN ${LONGEST_V6} ${LONGEST_V6} 65535 65535\r\n`),
    undefined,
  ],
  ["v2 INET", binary("21 11 000c c0000207 0a000001 9c40 0019"), "192.0.2.7"],
  ["v2 INET6", binary(`21 21 0024 ${V6}`), "2001:db8::1"],
  ["v2 INET, 4 KiB", binary(`21 11 1000 c0000207 0a000001 9c40 0019 ${"00".repeat(4084)}`), "192.0.2.7"],
  ["v2 LOCAL", binary("20 11 000c c0000207 0a000001 9c40 0019"), undefined],
  ["v2 UNSPEC", binary("21 00 0000"), undefined],
  ["v2 UNSPEC over a stream", binary("21 01 0004 00000000"), undefined],
  ["v2 UDP over INET", binary("21 12 000c c0000207 0a000001 9c40 0019"), undefined],
  ["v2 UDP over INET6", binary(`21 22 0024 ${V6}`), undefined],
  ["v2 UNIX stream", binary(`21 31 00d8 ${"2f".repeat(216)}`), undefined],
  ["v2 UNIX datagram", binary(`21 32 00d8 ${"2f".repeat(216)}`), undefined],
];

const WRONG: readonly Buffer[] = [
  Buffer.from("EHLO x\r\n"),
  Buffer.from("PROXZ"),
  Buffer.from("PROXY TCP4 2001:db8::1 ::1 1 25\r\n"),
  Buffer.from("PROXY TCP4 192.0.2.7 ::1 1 25\r\n"),
  Buffer.from("PROXY TCP6 2001:db8::1 10.0.0.1 1 25\r\n"),
  Buffer.from("PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n"),
  Buffer.from("PROXY  TCP4 192.0.2.7 10.0.0.1 1 25\r\n"),
  Buffer.from(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`),
  Buffer.from(`PROXY UNKNOWN ${"x".repeat(93)}`),
  binary("11 11 000c c0000207 0a000001 9c40 0019"),
  binary("22 11 000c c0000207 0a000001 9c40 0019"),
  binary("21 10 000c c0000207 0a000001 9c40 0019"),
  binary("21 13 000c c0000207 0a000001 9c40 0019"),
  binary("21 41 0000"),
  binary(`21 41 0024 ${V6}`),
  binary("21 11 0004 c0000207"),
  binary("21 11 000b c0000207 0a000001 9c40 00"),
  binary("21 21 0004 20010db8"),
  binary(`21 21 0023 ${V6.slice(0, -2)}`),
  binary("21 11 1001"),
];

describe("readProxyHeader", () => {
  for (const [name, header, client] of SOUND)
    test(`${name}, wherever it is cut, and whatever follows`, () => {
      for (let cut = 1; cut < header.length; cut++)
        assert.deepEqual(readProxyHeader(header.subarray(0, cut)), { kind: "partial" }, String(cut));
      const found = readProxyHeader(Buffer.concat([header, Buffer.from("EHLO c\r\n")]));
      const wanted = { kind: "header", octets: header.length };
      assert.deepEqual(found, client === undefined ? wanted : { ...wanted, client });
    });

  for (const header of WRONG)
    test(`refuses ${JSON.stringify(header.toString("latin1").slice(0, 60))}`, () => {
      assert.equal(readProxyHeader(header).kind, "wrong");
    });

  test("whatever comes is read within bounds", () => {
    const start = fc.constantFrom("", "PROXY ", "PROXY TCP4 ", SIGNATURE);
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), (head, tail) => {
        const octets = Buffer.concat([Buffer.from(head, head === SIGNATURE ? "hex" : "latin1"), tail]);
        if (octets.length === 0) return;
        const found = readProxyHeader(octets);
        if (found.kind === "header") assert.ok(found.octets <= octets.length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("takeProxyHeader", () => {
  test("takes the header octet by octet, once, and leaves all that follows it", async () => {
    for (const [name, header, client] of SOUND.filter(([, { length }]) => length < 300)) {
      const socket = new PassThrough();
      const found: unknown[] = [];
      takeProxyHeader(socket as unknown as Socket, (taken) => void found.push(taken));
      for (const octet of header.subarray(0, -1)) {
        socket.write(Buffer.of(octet));
        await turn();
      }
      assert.deepEqual(found, [], name);
      socket.write(Buffer.concat([header.subarray(-1), Buffer.from("EHLO c\r\n")]));
      await turn();
      const wanted = { kind: "header", octets: header.length };
      assert.deepEqual(found, [client === undefined ? wanted : { ...wanted, client }], name);
      assert.equal(String(socket.read()), "EHLO c\r\n");
      socket.write("MAIL");
      await turn();
      assert.equal(found.length, 1);
    }
  });
});
