import { join } from "node:path";
import type Database from "better-sqlite3";
import type { Logger } from "../../../../runtime/log.ts";
import { Accepting } from "../queue/accepting.ts";
import { Bodies } from "../bodies/bodies.ts";
import { Claiming } from "../queue/claiming.ts";
import { Compacting } from "../bodies/compacting.ts";
import { openMailDatabase, QUEUE_FILE } from "../disk/connection.ts";
import { DirectoryChanges } from "../directory/directory-changes.ts";
import type { Disk } from "../disk/disk.ts";
import { refuseEmptied } from "./emptied.ts";
import { Expiring } from "../queue/expiring.ts";
import { Greylisting } from "../memory/greylisting.ts";
import { Learning } from "../memory/learning.ts";
import { migrate } from "../disk/migrate.ts";
import { Notifying } from "../queue/notifying.ts";
import { usable } from "../disk/opening.ts";
import { Operating } from "../queue/operating.ts";
import { Proving } from "../queue/proving.ts";
import { Recovering } from "../queue/recovering.ts";
import { RememberedTls } from "../memory/remembered-tls.ts";
import type { Segments } from "../bodies/segments.ts";
import type { Sessions } from "../queue/sessions.ts";
import { refusedFilter, type SharedState } from "../wire/shared-state.ts";
import { Settling } from "../queue/settling.ts";
import { Waiting } from "../queue/waiting.ts";

/** All operations on one open connection. Each new connection gets a new store. */
export interface Store {
  readonly database: Database.Database;
  readonly bodies: Bodies;
  readonly accepting: Accepting;
  readonly claiming: Claiming;
  readonly compacting: Compacting;
  readonly settling: Settling;
  readonly waiting: Waiting;
  readonly expiring: Expiring;
  readonly operating: Operating;
  readonly proving: Proving;
  readonly notifying: Notifying;
  readonly recovering: Recovering;
  readonly directory: DirectoryChanges;
  readonly greylisting: Greylisting;
  readonly rememberedTls: RememberedTls;
  readonly learning: Learning;
}

export interface StoreParts {
  readonly folder: string;
  readonly shared: SharedState;
  readonly disk: Disk;
  readonly log: Logger;
  readonly sessions: Sessions;
  readonly segments: Segments;
  /** Folder of the migrations; those that ship with the program if absent. */
  readonly migrations?: string;
}

/** Throws DatabaseFromFuture, SchemaAstray, QueueEmptied or StoreUnusable. */
export function openStore(parts: StoreParts): Store {
  return usable(join(parts.folder, QUEUE_FILE), () => open(parts));
}

function open(parts: StoreParts): Store {
  refuseEmptied(parts.folder);
  const database = openMailDatabase(parts.folder, parts.disk);
  try {
    migrate(database, parts.migrations);
    const store = prepareStore(database, parts);
    database.transaction(() => store.directory.discard()).immediate();
    return store;
  } catch (error) {
    database.close();
    throw error;
  }
}

function prepareStore(database: Database.Database, parts: StoreParts): Store {
  const { shared, log, sessions } = parts;
  const bodies = new Bodies(database, parts);
  const learning = new Learning(database, refusedFilter(shared));
  const accepting = new Accepting(database, { bodies, sessions });
  return {
    database,
    bodies,
    accepting,
    compacting: new Compacting(database, { ...parts, bodies }),
    claiming: new Claiming(database, { sessions, log }),
    settling: new Settling(database, { bodies, sessions, learning }),
    waiting: new Waiting(database),
    expiring: new Expiring(database, { bodies }),
    operating: new Operating(database, { bodies }),
    proving: new Proving(database),
    notifying: new Notifying(database, { bodies, accepting }),
    recovering: new Recovering(database),
    directory: new DirectoryChanges(database),
    greylisting: new Greylisting(database),
    rememberedTls: new RememberedTls(database),
    learning,
  };
}
