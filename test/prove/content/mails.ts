/** Mails with something in them: EICAR as it travels, spam, and plain ones that can be told apart. */
import { deflateRawSync, crc32 } from "node:zlib";
import { EICAR } from "../../peers/clamd.ts";
import { GTUBE } from "../../peers/rspamd.ts";

export const crlf = (...lines: readonly string[]): Buffer => Buffer.from(`${lines.join("\r\n")}\r\n`);

/** A harmless mail with a mark, padded to about `size` octets. */
export function plainMail(mark: string, size = 0, ...fields: readonly string[]): Buffer {
  const line = "Nothing of note in this line, but it fills the page.";
  const filling = `${line}\r\n`.repeat(Math.ceil(size / (line.length + 2)));
  return Buffer.concat([crlf(...head(mark), ...fields, ""), Buffer.from(filling), crlf(`mark ${mark} end`)]);
}

/** The mark of a mail that arrived. */
export function markOf(mail: Buffer): string | undefined {
  return /^mark (\S+) end$/m.exec(mail.subarray(-300).toString("latin1").replaceAll("\r", ""))?.[1];
}

export const INFECTED: Readonly<Record<string, () => Buffer>> = {
  plain: () => crlf(...head("eicar"), "", EICAR),
  base64: () => attachment("application/octet-stream", Buffer.from(EICAR)),
  zipped: () => attachment("application/zip", zip("eicar.com", Buffer.from(EICAR))),
  "zipped twice": () => attachment("application/zip", zip("inner.zip", zip("eicar.com", Buffer.from(EICAR)))),
  nested: () => forwarded(attachment("application/zip", zip("eicar.com", Buffer.from(EICAR)))),
  "nested base64": () => forwarded(forwarded(attachment("application/octet-stream", Buffer.from(EICAR)))),
  large: () => Buffer.concat([plainMail("eicar", 2_000_000), crlf(EICAR)]),
};

export function gtubeMail(): Buffer {
  return crlf(...head("gtube"), "", GTUBE);
}

function head(mark: string): readonly string[] {
  return [
    "From: Sender <sender@sender.example>",
    "To: alice@example.test",
    `Subject: ${mark}`,
    `Message-ID: <${mark}@sender.example>`,
    "Date: Mon, 5 Jan 2026 10:00:00 +0000",
  ];
}

function attachment(type: string, content: Buffer): Buffer {
  const lines = content.toString("base64").match(/.{1,76}/g) ?? [];
  return multipart([
    `Content-Type: ${type}; name="a.bin"`,
    "Content-Transfer-Encoding: base64",
    "Content-Disposition: attachment",
    "",
    ...lines,
  ]);
}

function forwarded(mail: Buffer): Buffer {
  return multipart(["Content-Type: message/rfc822", "", mail.toString("latin1").trimEnd()]);
}

let boundaries = 0;

function multipart(part: readonly string[]): Buffer {
  boundaries += 1;
  const boundary = `=_part_${boundaries}`;
  const type = `Content-Type: multipart/mixed; boundary="${boundary}"`;
  const text = [`--${boundary}`, "Content-Type: text/plain", "", "See below."];
  return crlf(
    ...head("parts"),
    "MIME-Version: 1.0",
    type,
    "",
    ...text,
    `--${boundary}`,
    ...part,
    `--${boundary}--`,
  );
}

/** One file in an archive, APPNOTE 4.3: local header, data, central directory, its end. */
function zip(name: string, content: Buffer): Buffer {
  const data = deflateRawSync(content);
  const facts = Buffer.alloc(22);
  facts.writeUInt16LE(20, 0);
  facts.writeUInt16LE(8, 4);
  facts.writeUInt32LE(crc32(content), 10);
  facts.writeUInt32LE(data.length, 14);
  facts.writeUInt32LE(content.length, 18);
  const sizes = Buffer.alloc(4);
  sizes.writeUInt16LE(name.length, 0);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), facts, sizes, Buffer.from(name), data]);
  const central = Buffer.concat([
    Buffer.from("PK\x01\x02\x14\0"),
    facts,
    sizes,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, central, Buffer.from("PK\x05\x06"), end]);
}
