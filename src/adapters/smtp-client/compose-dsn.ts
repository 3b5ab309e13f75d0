/**
 * Delivery status notifications as messages: multipart/report (RFC 6522, RFC 3464, RFC 6533), by nodemailer. Its MIME
 * half is loaded with the first DSN: most daemons never write one, and it takes more memory than the client does.
 */
import type MimeNode from "nodemailer/lib/mime-node";
import type { DsnField, DsnComposer, DsnDraft } from "../../ports/dsn.ts";
import { mailDate } from "../../mail/received.ts";

const NAME = "Mail Delivery System";

export const dsnComposer: DsnComposer = { compose };

async function compose(draft: DsnDraft): Promise<Buffer> {
  const { hostname, inReplyTo } = draft;
  const { default: Mime } = await import("nodemailer/lib/mime-node");
  const root: MimeNode = new Mime("multipart/report; report-type=delivery-status", {
    hostname,
    newline: "win",
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  root.setHeader("From", { name: NAME, address: `mailer-daemon@${hostname}` });
  root.setHeader("To", { address: draft.to });
  root.setHeader("Subject", draft.subject);
  root.setHeader("Date", mailDate(draft.date));
  root.setHeader("Message-ID", draft.messageId);
  if (inReplyTo !== undefined)
    for (const name of ["In-Reply-To", "References"]) root.setHeader(name, inReplyTo);
  // RFC 3834 §5: nobody is to answer a DSN by machine.
  root.setHeader("Auto-Submitted", "auto-replied");
  root.createChild("text/plain; charset=utf-8").setContent(draft.text.replaceAll("\n", "\r\n"));
  addPart(root, draft.utf8 ? "message/global-delivery-status" : "message/delivery-status", statusPart(draft));
  if (draft.returned !== undefined) addReturned(root, draft.returned);
  return root.build();
}

/** RFC 3464 §2.1: groups of fields, an empty line between them. */
function statusPart({ perMessage, perRecipient }: DsnDraft): Buffer {
  const groups = [perMessage, ...perRecipient].map(groupText);
  return Buffer.from(groups.join("\r\n"));
}

function groupText(fields: readonly DsnField[]): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

function addReturned(root: MimeNode, { whole, content, utf8 }: NonNullable<DsnDraft["returned"]>): void {
  if (whole) return addPart(root, utf8 ? "message/global" : "message/rfc822", content);
  addPart(root, utf8 ? "message/global-headers" : "text/rfc822-headers", content);
}

function addPart(root: MimeNode, type: string, content: Buffer): void {
  const part = root.createChild(type);
  // nodemailer chooses for text; message/* goes as it is, so it must say what it is.
  if (type.startsWith("message/")) {
    const encoding = isSevenBit(content) ? "7bit" : "8bit";
    part.setHeader("Content-Transfer-Encoding", encoding);
    // RFC 2045 §6.4: what holds it has no narrower one.
    if (encoding === "8bit") root.setHeader("Content-Transfer-Encoding", encoding);
  }
  // nodemailer leaves a string of short ASCII lines as it is, a Buffer it would encode.
  part.setContent(isSevenBit(content) ? content.toString("latin1") : content);
}

function isSevenBit(content: Buffer): boolean {
  return content.every((octet) => octet < 0x80);
}
