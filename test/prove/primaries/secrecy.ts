/** Primaries whose TLS or login does not fit what the operator asked for. */
import { createHash, X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeCertificate } from "../../support/test-certificate.ts";
import { DOWN_AND_UP, MAILS, type Behaviour } from "./behaviour.ts";

const REFUSED = { counts: { waiting: MAILS }, state: "down" };

/** `folder` takes the file with our password. */
export async function secrecy(folder: string): Promise<readonly Behaviour[]> {
  const right = await pair();
  const wrong = await pair();
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, "sesame\n", { mode: 0o600 });
  const login = { user: "holdfast", passwordFile };
  const account = { mechanisms: "PLAIN", user: "holdfast" };
  return [
    {
      name: "breaks STARTTLS, opportunistic",
      scripts: () => [{ brokenTls: true }],
      transport: { tls: "opportunistic" },
      before: { counts: { delivered: MAILS } },
      after: { delivered: MAILS },
      told: [],
    },
    {
      name: "breaks STARTTLS, require",
      scripts: () => [{ brokenTls: true }],
      transport: { tls: "require" },
      before: REFUSED,
      mend: ({ primary }) => void Object.assign(primary.behaviour, { brokenTls: false, tls: right }),
      after: { delivered: MAILS },
      told: DOWN_AND_UP,
      complaint: ({ mails }) => (mails.every(({ tls }) => tls) ? undefined : "a mail went in clear"),
    },
    {
      name: "its TLS vanishes, opportunistic",
      scripts: () => {
        const script: ReturnType<Behaviour["scripts"]>[number] = { tls: right };
        script.onDot = () => void delete script.tls;
        return [script];
      },
      transport: { tls: "opportunistic", mailsPerConnection: 2, connections: 2 },
      before: { counts: { delivered: MAILS } },
      after: { delivered: MAILS },
      told: ["primary.weakened"],
    },
    {
      name: "its TLS vanishes, require",
      scripts: () => [{}],
      transport: { tls: "require" },
      before: REFUSED,
      mend: ({ primary }) => void Object.assign(primary.behaviour, { tls: right }),
      after: { delivered: MAILS },
      told: DOWN_AND_UP,
      complaint: ({ mails }) => (mails.every(({ tls }) => tls) ? undefined : "a mail went in clear"),
    },
    {
      name: "a certificate of nobody, verify",
      scripts: () => [{ tls: right }],
      transport: { tls: "verify" },
      before: REFUSED,
      after: { waiting: MAILS },
      told: ["primary.down"],
    },
    {
      name: "another certificate, pin",
      scripts: () => [{ tls: wrong }],
      transport: { tls: "pin", pin: right.print },
      before: REFUSED,
      mend: ({ primary }) => void Object.assign(primary.behaviour, { tls: right }),
      after: { delivered: MAILS },
      told: DOWN_AND_UP,
    },
    {
      name: "refuses our password",
      scripts: () => [{ tls: right, auth: { ...account, password: "other" } }],
      transport: { tls: "require", login },
      before: REFUSED,
      mend: ({ primary }) =>
        void Object.assign(primary.behaviour, { auth: { ...account, password: "sesame" } }),
      after: { delivered: MAILS },
      told: DOWN_AND_UP,
    },
  ];
}

async function pair(): Promise<{ readonly key: string; readonly cert: string; readonly print: string }> {
  const { key, certificate } = await makeCertificate("primary.test");
  const { raw } = new X509Certificate(certificate);
  return { key, cert: certificate, print: createHash("sha256").update(raw).digest("hex") };
}
