/** How DNS and other servers see this server and its domains. Each request queries the DNS. */
import type { Hono } from "hono";
import { readDomain, unknownDomain } from "../answers.ts";
import type { DiagnosisBody } from "../contract.ts";
import type { AdminEnv, AdminParts } from "../parts.ts";

export function doctorRoutes(app: Hono<AdminEnv>, { doctor }: AdminParts): void {
  app.get("/v1/doctor", async (c) => c.json<DiagnosisBody>(diagnosis(await doctor.server())));
  app.get("/v1/domains/:name/doctor", async (c) => {
    const domain = readDomain(c);
    const findings = await doctor.domain(domain);
    if (findings === undefined) throw unknownDomain(domain);
    return c.json<DiagnosisBody>({ domain, ...diagnosis(findings) });
  });
}

function diagnosis(findings: DiagnosisBody["findings"]): Omit<DiagnosisBody, "domain"> {
  return { ok: findings.every(({ verdict }) => verdict !== "fail"), findings };
}
