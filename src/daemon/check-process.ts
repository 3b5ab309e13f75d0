/** Looks through the mail database of the folder that is the first argument; prints the findings as JSON. */
import { checkDatabase } from "../adapters/storage/sqlite/sqlite.ts";

process.stdout.write(JSON.stringify(checkDatabase(process.argv[2] ?? "")));
