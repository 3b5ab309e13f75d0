/** Notices as a mail client reads them: Python's email package, which parses multipart/report by its own rules. */
import { execFileSync } from "node:child_process";

export interface ReadNotice {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly autoSubmitted: string;
  readonly references: string;
  /** `multipart/report`. */
  readonly type: string;
  readonly reportType: string;
  /** Types of the parts. */
  readonly parts: readonly string[];
  readonly text: string;
  /** Groups of fields of the report: the mail's, then one a recipient; names in lower case. */
  readonly groups: readonly Readonly<Record<string, string>>[];
  /** Subject of the mail that is returned, and its body where it is returned whole. */
  readonly returnedSubject: string;
  readonly returnedBody: string;
  /** What the parser objects to. */
  readonly defects: readonly string[];
}

const PROGRAM = `
import sys, json, base64, email
from email import policy
out = []
for line in sys.stdin:
    raw = base64.b64decode(line)
    m = email.message_from_bytes(raw, policy=policy.default)
    parts = list(m.iter_parts())
    defects = [repr(d) for p in m.walk() for d in p.defects]
    status, text, rsub, rbody = [], '', '', ''
    for p in parts:
        t = p.get_content_type()
        if t == 'text/plain':
            text = p.get_content()
        elif t.endswith('delivery-status'):
            blocks = p.get_payload()
            if t != 'message/delivery-status':
                octets = p.get_payload(0).as_bytes().replace(b'\\r\\n', b'\\n')
                utf8 = policy.default.clone(utf8=True)
                blocks = [email.message_from_string(b.decode(), policy=utf8) for b in octets.split(b'\\n\\n')]
            status = [{k.lower(): str(v) for k, v in b.items()} for b in blocks if len(b.keys()) > 0]
        elif t in ('text/rfc822-headers', 'message/global-headers'):
            content = p.get_payload(decode=True)
            if content is None: content = p.get_payload(0).as_bytes()
            rsub = str(email.message_from_bytes(content, policy=policy.default)['subject'])
        elif t in ('message/rfc822', 'message/global'):
            inner = p.get_payload(0)
            rsub = str(inner['subject'])
            rbody = inner.get_content() if not inner.is_multipart() else '(multipart)'
    out.append(dict([('from', str(m['from'])), ('to', str(m['to'])), ('subject', str(m['subject'])),
        ('autoSubmitted', str(m['auto-submitted'])), ('references', str(m['references'] or '')), ('type', m.get_content_type()),
        ('reportType', str(m.get_param('report-type'))), ('parts', [p.get_content_type() for p in parts]),
        ('text', text), ('groups', status), ('returnedSubject', rsub), ('returnedBody', rbody), ('defects', defects)]))
print(json.dumps(out))
`;

/** Why notices cannot be read here; empty when they can. */
export function readerMissing(): string {
  try {
    execFileSync("python3", ["-c", "import email.policy"], { stdio: "ignore" });
    return "";
  } catch {
    return "python3 is not installed, so no notice was read by a client other than ours";
  }
}

/** Reads all of them in one process. */
export function readNotices(messages: readonly Buffer[]): readonly ReadNotice[] {
  const input = messages.map((message) => `${message.toString("base64")}\n`).join("");
  const output = execFileSync("python3", ["-c", PROGRAM], { input, maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(output.toString()) as ReadNotice[];
}
