/**
 * Runs in a thread before anything else is loaded. An import of `node:http`, as in the mail libraries, makes Node.js
 * evaluate all of its exports; WebSocket brings a second HTTP client, which nobody uses and which costs 4 MB in each
 * thread.
 */
const http = process.getBuiltinModule("node:http");
for (const name of ["WebSocket", "CloseEvent", "MessageEvent"]) Reflect.deleteProperty(http, name);
