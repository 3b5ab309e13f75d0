// Keeps what Node.js makes of the sources between test files, each of which is a process of its own: taking the types
// off is half of the time of a small one. Only for this process; daemons that tests start keep their own.
import { enableCompileCache } from "node:module";
import { join } from "node:path";

enableCompileCache(join(import.meta.dirname, "..", "node_modules", ".cache", "holdfast-tests"));
