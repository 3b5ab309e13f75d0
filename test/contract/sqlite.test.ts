import { dsnContract } from "./dsn.contract.ts";
import { storeForContract } from "./sqlite-harness.ts";
import { storeContract } from "./store.contract.ts";

storeContract("SQLite", storeForContract);
dsnContract("SQLite", storeForContract);
