import { storeForContract } from "./sqlite-harness.ts";
import { storeContract } from "./store.contract.ts";

storeContract("SQLite", storeForContract);
