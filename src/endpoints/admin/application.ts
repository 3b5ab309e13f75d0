/** The routes in order: those without a token, the guard, those that confined tokens may use, the rest. */
import { Hono, type MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { methodNotAllowed } from "hono/method-not-allowed";
import { timeout } from "hono/timeout";
import { errorText, type Logger } from "../../runtime/log.ts";
import { answerRefusal, readNoBody, Refusal } from "./answers.ts";
import { shareFairly, wholeServerOnly } from "./authenticate.ts";
import { NO_ROUTE } from "./contract.ts";
import type { AdminContext, AdminEnv, AdminParts } from "./parts.ts";
import { accessRoutes } from "./routes/access.ts";
import { controlRoutes, healthRoutes } from "./routes/control.ts";
import { doctorRoutes } from "./routes/doctor.ts";
import { domainRoutes } from "./routes/domains.ts";
import { explainRoutes } from "./routes/explain.ts";
import { queueRoutes } from "./routes/queue.ts";
import { quarantineRoutes } from "./routes/quarantine.ts";
import { rehearsalRoutes } from "./routes/rehearsals.ts";
import { recipientRoutes } from "./routes/recipients.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { traceRoutes } from "./routes/trace.ts";

/** Milliseconds after which a request that only reads gets 504. */
const READ_LIMIT = 30_000;
/** The same for changes, in ms: a large queue or list is changed in many small transactions. */
const WRITE_LIMIT = 600_000;

/** `guard` identifies the caller, or refuses the request. */
export function buildApplication(parts: AdminParts, guard: MiddlewareHandler<AdminEnv>): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>();
  app.onError((error, c) => answerError(error, c, parts.log));
  app.notFound((c) => answerRefusal(c, new Refusal("not_found", NO_ROUTE, "see docs/api.md")));
  app.use(protect());
  app.use(methodNotAllowed({ app, onMethodNotAllowed: answerMethod }));
  app.use(limitTime());
  healthRoutes(app, parts);
  app.use(guard);
  app.use(shareFairly());
  app.use(readNamesOnly());
  queueRoutes(app, parts);
  quarantineRoutes(app, parts);
  recipientRoutes(app, parts);
  explainRoutes(app, parts);
  accessRoutes(app, parts);
  app.use(wholeServerOnly());
  domainRoutes(app, parts);
  doctorRoutes(app, parts);
  rehearsalRoutes(app, parts);
  traceRoutes(app, parts);
  controlRoutes(app, parts);
  tokenRoutes(app, parts);
  return app;
}

function protect(): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    await next();
    c.header("Cache-Control", "no-store");
    c.header("X-Content-Type-Options", "nosniff");
  };
}

function limitTime(): MiddlewareHandler<AdminEnv> {
  const [reads, writes] = [timeout(READ_LIMIT), timeout(WRITE_LIMIT)];
  return (c, next) => (isReading(c) ? reads(c, next) : writes(c, next));
}

function isReading(c: AdminContext): boolean {
  return c.req.method === "GET" || c.req.method === "HEAD";
}

/** The handler keeps running after this answer, so a change may still be made. */
function timedOut(c: AdminContext): Refusal {
  const message = "the daemon did not answer in time";
  if (isReading(c)) return new Refusal("timeout", message);
  return new Refusal("timeout", `${message}; the change may still be made`, "look before you repeat it");
}

/** Refuses DELETE with a body: the path or the query names what to remove, and a body would be ignored. */
function readNamesOnly(): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    if (c.req.method === "DELETE") await readNoBody(c);
    await next();
  };
}

/** RFC 9110 §15.5.6. */
function answerMethod(c: AdminContext, methods: readonly string[]): Response {
  c.header("Allow", methods.join(", "));
  const message = `this route takes ${methods.join(", ")}, not ${c.req.method}`;
  return answerRefusal(c, new Refusal("method_not_allowed", message));
}

function answerError(error: Error, c: AdminContext, log: Logger): Response {
  if (error instanceof Refusal) return answerRefusal(c, error);
  if (error instanceof HTTPException && error.status === 504) return answerRefusal(c, timedOut(c));
  log.error("admin request failed", { method: c.req.method, path: c.req.path, error: errorText(error) });
  const hint = "see the daemon's log for the cause, and `holdfast status` for the state of the storage";
  return answerRefusal(c, new Refusal("internal", "this request failed", hint));
}
