import { noticesContract } from "./notices.contract.ts";
import { storeForContract } from "./sqlite-harness.ts";
import { storeContract } from "./store.contract.ts";

storeContract("SQLite", storeForContract);
noticesContract("SQLite", storeForContract);
