/** Checks the mail database in the folder given as the first argument; prints the findings as JSON. */
import { checkDatabase } from "../adapters/storage/sqlite/sqlite.ts";

process.stdout.write(JSON.stringify(checkDatabase(process.argv[2] ?? "")));
