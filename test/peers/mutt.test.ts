/** What a person sees of a notice: mutt, from Debian, on a terminal of its own. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { dsnComposer } from "../../src/adapters/smtp-client/smtp-client.ts";
import type { OwedMail } from "../../src/ports/dsn.ts";
import { draftDsn } from "../../src/services/bounce/bounce.ts";
import { owedMail, owedTo } from "../support/owed-mail.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { findUnpacked, skipWithoutUnpacked } from "./unpacked.ts";

async function noticeFor(mail: OwedMail, whole: boolean): Promise<Buffer> {
  const content = Buffer.from(`Subject: lunch\r\nFrom: ${mail.sender}\r\n${whole ? "\r\nat noon\r\n" : ""}`);
  const now = Date.UTC(2026, 0, 1, 14);
  const context = { hostname: "mx2.test", id: "n1", now, retention: 1e9, returned: { whole, content } };
  return dsnComposer.compose(draftDsn(mail, mail.recipients, context));
}

/** The message as mutt prints it for reading. */
async function asShown(message: Buffer): Promise<string> {
  await using folder = await tempFolder();
  const { path, env } = findUnpacked("mutt", "mutt") ?? assert.fail("no mutt");
  const [box, out] = [join(folder.path, "box"), join(folder.path, "out")];
  const text = message.toString("utf8").replaceAll("\r\n", "\n");
  await writeFile(box, `From MAILER-DAEMON Thu Jan  1 14:00:00 2026\n${text}\n`);
  // It would ask whether to make this one.
  await mkdir(join(folder.path, "Mail"));
  const settings = ["print=yes", "quit=yes", "wait_key=no", "charset=utf-8", `print_command="cat > ${out}"`];
  const keys = "push <print-message><quit>";
  const command = `"${path}" -n -F /dev/null -R -f "${box}" -e 'set ${settings.join(" ")}' -e '${keys}'`;
  execFileSync("script", ["-qec", command, "/dev/null"], {
    env: { ...env, TERM: "vt100", HOME: folder.path },
    stdio: ["ignore", "ignore", "ignore"],
    timeout: 30_000,
  });
  return readFile(out, "utf8");
}

test(
  "mutt shows a notice: text, report and header",
  { skip: skipWithoutUnpacked("mutt", "mutt") },
  async () => {
    const shown = await asShown(await noticeFor(owedMail(), false));
    assert.match(shown, /^Subject: Not delivered: your mail to bob@one\.test$/m);
    assert.match(shown, /^ {8}550 5\.1\.1 No such user$/m);
    assert.match(shown, /^What you can do$/m);
    assert.match(shown, /^Final-Recipient: rfc822; bob@one\.test$/m);
    assert.match(shown, /^Subject: lunch$/m);
  },
);

test(
  "mutt shows one in UTF-8, with the whole mail",
  { skip: skipWithoutUnpacked("mutt", "mutt") },
  async () => {
    const recipients = [owedTo({ address: "bücher@one.test" })];
    const mail = owedMail({ sender: "grå@friend.test", smtpUtf8: true, recipients });
    const shown = await asShown(await noticeFor(mail, true));
    assert.match(shown, /^To: grå@friend\.test$/m);
    assert.match(shown, /^Subject: Not delivered: your mail to bücher@one\.test$/m);
    assert.match(shown, /^ {2}bücher@one\.test$/m);
  },
);
