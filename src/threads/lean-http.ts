/**
 * Runs in a thread before it loads anything else. Whoever imports `node:http`, as the mail libraries do, makes Node.js
 * read all that it exports, and with WebSocket comes a second HTTP client: 4 MB of each thread, for what nobody uses.
 */
const http = process.getBuiltinModule("node:http");
for (const name of ["WebSocket", "CloseEvent", "MessageEvent"]) Reflect.deleteProperty(http, name);
