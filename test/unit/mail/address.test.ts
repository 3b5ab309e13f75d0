import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isAscii } from "../../../src/mail/domain.ts";
import {
  hasForeignCapitals,
  looksLikeRelayProbe,
  mailboxKeyOf,
  parseAddress,
} from "../../../src/mail/address.ts";
import { readPattern } from "../../../src/mail/recipient-pattern.ts";

/** Whether two spellings name one mailbox. */
function same(a: string, b: string): boolean {
  const [one, other] = [parseAddress(a), parseAddress(b)];
  assert.ok(one !== undefined && other !== undefined, `${a}, ${b}`);
  return one.local === other.local && one.domain === other.domain;
}

describe("two spellings of one mailbox", () => {
  test("compare equal: case, quotes, escapes, RFC 5321 §4.1.2", () => {
    assert.ok(same("Alice@A.Test", "alice@a.test."));
    assert.ok(same('"alice"@a.test', "alice@a.test"));
    assert.ok(same('"al\\ice"@a.test', "alice@a.test"));
    assert.ok(same('"John Doe"@a.test', '"john\\ doe"@a.test'));
    assert.ok(!same('"a b"@a.test', '"a  b"@a.test'));
    assert.ok(!same("a.b@a.test", "ab@a.test"), "a dot is a letter");
  });

  test("compare equal: composed and decomposed letters, RFC 6532 §3.1", () => {
    assert.ok(same("gr\u00f6\u00dfe@a.test", "gro\u0308\u00dfe@a.test"));
    assert.ok(same("ÉLODIE@a.test", "e\u0301lodie@a.test"));
    assert.ok(same('"müller"@a.test', "MÜLLER@a.test"));
    assert.ok(!same("größe@a.test", "groesse@a.test"));
    assert.ok(!same("ali\u0441e@a.test", "alice@a.test"), "a Cyrillic letter is another one");
  });

  test("compare equal: domains in A-labels, U-labels, wide letters and other dots, RFC 5891", () => {
    assert.ok(same("x@B\u00fccher.example", "x@xn--bcher-kva.example"));
    assert.ok(same("x@bu\u0308cher.example", "x@XN--BCHER-KVA.EXAMPLE"));
    assert.ok(same("x@\uff41.test", "x@a.test"));
    assert.ok(same("x@bücher\u3002example", "x@bücher.example"));
    assert.ok(!same("x@faß.example", "x@fass.example"), "the sharp s is a letter of its own (IDNA 2008)");
  });
});

test("a domain beyond ASCII is read as a domain, not as the host of a URL", () => {
  const wrong = ["b\u00fccher.example", "\u0430.test"].flatMap((domain) =>
    ["/x", "?x", "#x", "\\x", ":25", "%2Ex", "\tx", "\u0000", "@", " x", "!"].map((tail) => domain + tail),
  );
  const disguised = ["\uff11\uff12\uff17.1", "\uff10x7f.1", "\uff11.2.3.4"];
  for (const domain of [...wrong, ...wrong.map((text) => `${text}.test`), ...disguised])
    assert.equal(parseAddress(`x@${domain}`), undefined, JSON.stringify(domain));
  assert.equal(parseAddress("x@_a-1.b\u00fccher.example.")?.domain, "_a-1.xn--bcher-kva.example");
});

test("what is no address of a mailbox is not read", () => {
  const wrong = [
    "",
    "alice",
    "@a.test",
    "alice@",
    ".@a.test",
    "..@a.test",
    '."a"@a.test',
    "a b@a.test",
    "a,b@a.test",
    'a"b@a.test',
    '"a@a.test',
    '"a\u0001b"@a.test',
    '"a\u007fb"@a.test',
    '"a\\\u0001b"@a.test',
    '"a\\"@a.test',
    '"a"b"@a.test',
    "a@-x.test",
    "a@x..test",
    "a@[192.0.2.1]",
    `${"a".repeat(248)}@a.test`,
    `${"ü".repeat(124)}@a.test`,
    `"${" ".repeat(246)}"@a.test`,
    `a@${"b".repeat(64)}.test`,
    `a@${"b.".repeat(127)}test`,
    "a\u0000@a.test",
    "a@a.test\r\n",
  ];
  for (const text of wrong) assert.equal(parseAddress(text), undefined, JSON.stringify(text));
});

test("a local part is as long as the path has room for: those of lists and of forwarders are", () => {
  const longest = [
    `${"a".repeat(247)}@a.test`,
    `${"ü".repeat(123)}x@a.test`,
    `"${" ".repeat(245)}"@a.test`,
    `a@${[63, 63, 63, 60].map((length) => "b".repeat(length)).join(".")}`,
    "bounces+10042871-7d5b-firstname.lastname=a-very-long-company-name.example.com@em.example",
  ];
  for (const text of longest) assert.equal(parseAddress(text)?.text, text);
});

test("dots where none may stand are quoted: large providers have given such addresses away", () => {
  for (const local of ["a..b", "a.", ".a", "...a.b..", "\u00fc."]) {
    const address = parseAddress(`${local}@a.test`);
    assert.deepEqual([address?.text, address?.local], [`"${local}"@a.test`, local]);
    assert.deepEqual(parseAddress(`"${local}"@a.test`), address);
    assert.equal(readPattern(local, "a.test").kind, "malformed", "an operator is told of a slip");
  }
});

test("a character beyond ASCII never becomes an ASCII one: no stranger writes another's name with it", () => {
  // NFC and case know no way from the higher planes to ASCII.
  for (let code = 0x80; code <= 0xffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const char = String.fromCodePoint(code);
    const address = parseAddress(`a${char}b@a.test`);
    assert.ok(address !== undefined && !isAscii(address.local) && !isAscii(address.text), code.toString(16));
  }
  assert.ok(!same("mi\u212ae@a.test", "mike@a.test"), "KELVIN SIGN, which NFC and lower case make a k");
  assert.equal(mailboxKeyOf("<mi\u212aE>"), "<mi\u212ae>");
  assert.ok(same("\u0130x@a.test", "I\u0307X@a.test"), "a capital with a dot stays one with a dot");
});

test("an address is passed on in its simplest form, in the case in which it came, RFC 5321 §4.1.2", () => {
  const simplest = {
    '"Bob"@A.Test': "Bob@a.test",
    '"Al\\ice"@Bücher.Example': "Alice@xn--bcher-kva.example",
    '"bob.smith+x"@a.test': "bob.smith+x@a.test",
    '"John\\ Doe"@a.test': '"John Doe"@a.test',
    '"\\"\\a\\\\"@a.test': '"\\"a\\\\"@a.test',
    '""@a.test': '""@a.test',
    '".bob"@a.test': '".bob"@a.test',
    ".b..ob.@a.test": '".b..ob."@a.test',
    '"Gro\u0308\u00dfe"@a.test': "Gr\u00f6\u00dfe@a.test",
    "gro\u0308\u00dfe@a.test": "gr\u00f6\u00dfe@a.test",
    "Bob@a.test": "Bob@a.test",
  };
  for (const [written, text] of Object.entries(simplest)) {
    assert.equal(parseAddress(written)?.text, text, written);
    assert.deepEqual(parseAddress(text), parseAddress(written), written);
  }
});

test("whatever composing makes of an address, it stays within the limits", () => {
  assert.equal(parseAddress(`${"\u0958".repeat(42)}@a.test`), undefined, "126 octets that NFC makes 252");
  assert.ok(parseAddress(`${"u\u0308".repeat(123)}@a.test`), "369 octets that NFC makes 246");
  assert.equal(parseAddress(`${"a".repeat(64)}@${"ü.".repeat(27)}test`), undefined, "A-labels are longer");
  assert.ok(parseAddress(`a${".".repeat(244)}@a.test`), "247 octets in quotes");
  assert.equal(parseAddress(`a${".".repeat(245)}@a.test`), undefined, "248 octets in quotes");
});

test("relays are looked for in what an address means", () => {
  for (const probe of ["u%x@a.test", "x!u@a.test", '"u@x"@a.test', '"u\\@x"@a.test'])
    assert.ok(looksLikeRelayProbe(parseAddress(probe) as never), probe);
  assert.equal(looksLikeRelayProbe(parseAddress('"u x"@a.test') as never), false);
});

test("capitals beyond ASCII are told from those that every server folds", () => {
  for (const text of ["\u00c9LODIE@a.test", "\u00c9lodie@a.test", "\u0391@a.test"])
    assert.ok(hasForeignCapitals(text), text);
  for (const text of ["ELODIE@a.test", "\u00e9LODIE@a.test", "\u00e9lodie@a.test", "mi\u212ae@a.test"])
    assert.ok(!hasForeignCapitals(text), text);
});

test("a mailbox has one key", () => {
  assert.equal(mailboxKeyOf('"Al\\ice"@A.test'), "alice@a.test");
  assert.equal(mailboxKeyOf("<no address>"), "<no address>");
});

test("an entry of a list is a local part, an address of the domain, or a beginning", () => {
  const read = (entry: string): string => {
    const reading = readPattern(entry, "xn--bcher-kva.example");
    return reading.kind === "pattern" ? reading.pattern : reading.kind;
  };
  assert.equal(read("Alice"), "alice");
  assert.equal(read("Alice@Bücher.example"), "alice");
  assert.equal(read('"John Doe"'), "john doe");
  assert.equal(read('"a@b"@bücher.example'), "a@b");
  assert.equal(read("LIST-*"), "list-*");
  assert.equal(read("sales.*@bücher.example"), "sales.*");
  assert.equal(read("ΟΔΟΣ*"), "οδοσ*");
  assert.equal(read('"a*b"'), "a*b");
  assert.equal(read('"a@bücher.example"'), "a@bücher.example");
  assert.equal(read("alice@other.example"), "foreign");
  assert.equal(read("Al*@other.example"), "foreign");
  assert.equal(read('"John Doe"@other.example'), "foreign");
  for (const odd of ["a..b", "name.", "*", "a*b", "x".repeat(65)])
    assert.equal(read(`${odd}@other.example`), "foreign", `${odd}, which another domain may well have`);
  for (const wrong of [
    "",
    "*",
    "a*b",
    '"a*"',
    "**",
    "a b",
    "@bücher.example",
    "alice@b ücher",
    "Al <alice@other.example",
    "Al alice@other.example",
    "al\ud800ice",
    `${"a".repeat(234)}`,
  ])
    assert.equal(read(wrong), "malformed", wrong);
});
