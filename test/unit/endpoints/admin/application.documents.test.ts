/** docs/api.md has every route of the API and no other, and each request that it shows is one that the API takes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { buildApplication } from "../../../../src/endpoints/admin/application.ts";
import { trustSocket } from "../../../../src/endpoints/admin/authenticate.ts";
import { ErrorCode } from "../../../../src/endpoints/admin/contract.ts";
import { FakeWorld } from "../../../support/admin-fakes.ts";
import { operatorOf } from "../../../support/admin-requests.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../../../docs/api.md"), "utf8");
const ROWS = PAGE.split("\n").filter((line) => /^\| `(?:GET|POST|PATCH|DELETE) /.test(line));

/** The routes that a row names: `/pause`, `/resume` share what stands before, and a query is left out. */
function routesOf(row: string): readonly string[] {
  const found: string[] = [];
  for (const [, text = ""] of (row.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)) {
    const before = found.at(-1)?.replace(/\/[^/]*$/, "");
    found.push(text.startsWith("/") ? `${before}${text}` : text.replace(/\?.*/, ""));
  }
  return found;
}

test("the document has the routes that there are", () => {
  const app = buildApplication(new FakeWorld().parts("unused"), trustSocket());
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  const built = routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  assert.deepEqual(ROWS.flatMap(routesOf).toSorted(), built.toSorted());
});

test("the document has the codes that errors have", () => {
  for (const code of ErrorCode.options) assert.match(PAGE, new RegExp(`^\\| \\d+ \\| \`${code}\` \\|`, "m"));
});

test("each request that the document shows is read", async () => {
  let shown = 0;
  for (const row of ROWS)
    for (const route of routesOf(row)) {
      if (!/^(?:POST|PATCH) /.test(route)) continue;
      const [, body] = /`(\{".*?\})`/.exec(row.split(" | ").slice(1).join(" | ")) ?? [];
      if (body === undefined || /^\{"(?:ok|result)"/.test(body)) continue;
      const [method = "", path = ""] = route.split(" ");
      const ask = operatorOf(new FakeWorld());
      const { status, json } = await ask(method, path.replace("{name}", "example.com"), JSON.parse(body));
      assert.ok(status < 300, `${route} ${body}: ${JSON.stringify(json)}`);
      shown++;
    }
  assert.equal(shown, 6);
});
