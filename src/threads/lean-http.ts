/**
 * Runs in a thread before anything else is loaded. An import of `node:http`, as in the mail libraries, makes Node.js
 * evaluate all exports of that module. Its WebSocket loads a second HTTP client, which is never used and costs 4 MB in
 * each thread.
 */
const http = process.getBuiltinModule("node:http");
for (const name of ["WebSocket", "CloseEvent", "MessageEvent"]) Reflect.deleteProperty(http, name);
