import { closeSync, ftruncateSync, openSync } from "node:fs";
import type { Disk } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { systemError } from "./file-faults.ts";
import { realDisk } from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";

type Opened = ReturnType<Disk["openDatabase"]>;

/** The real disk, with faults on demand and a record of its calls. */
export class FlakyDisk implements Disk {
  /** The code that commits fail with, or a function that returns it; these commits do not reach the disk. */
  failCommit: string | (() => string | undefined) | undefined;
  /** The code that commits fail with after they reached the disk, as when the error of a flush comes too late. */
  failAfterCommit: string | undefined;
  failProof: string | undefined;
  failCheckpoint: string | undefined;
  /** The code that a write of the database header fails with. */
  failPragma: string | undefined;
  failFill: string | undefined;
  /** The finding of a check of the whole database. */
  damage: string | undefined;
  free = 1e12;
  /** The number of attempted commits. */
  commits = 0;
  /** The number of requested proofs. */
  proofs = 0;
  readonly statements: string[] = [];
  readonly opened: Opened[] = [];

  openDatabase(file: string, options: object): Opened {
    const database = realDisk.openDatabase(file, options);
    const exec = database.exec.bind(database);
    const prepare = database.prepare.bind(database);
    const pragma = database.pragma.bind(database);
    this.opened.push(database);
    return Object.assign(database, {
      exec: (sql: string) => (sql === "COMMIT" ? this.#commit(exec) : exec(sql)),
      prepare: (sql: string) => {
        this.statements.push(sql);
        return prepare(sql);
      },
      pragma: (sql: string, settings?: { simple?: boolean }) => {
        const failing = this.#failureOf(sql);
        if (failing !== undefined) throw systemError(failing);
        if (this.damage !== undefined && sql.startsWith("quick_check")) return [{ quick_check: this.damage }];
        return pragma(sql, settings);
      },
    });
  }

  space(): { free: number; total: number } {
    return { free: this.free, total: 2e12 };
  }

  prove(folder: string): void {
    this.proofs += 1;
    if (this.failProof !== undefined) throw systemError(this.failProof);
    realDisk.prove(folder);
  }

  /** Allocates no blocks, because that would cost each test some time. */
  fill(file: string, bytes: number): void {
    if (this.failFill !== undefined) throw systemError(this.failFill);
    const descriptor = openSync(file, "a", 0o600);
    ftruncateSync(descriptor, bytes);
    closeSync(descriptor);
  }

  #failureOf(pragma: string): string | undefined {
    if (/^wal_checkpoint\((?:PASSIVE|TRUNCATE)\)/.test(pragma)) return this.failCheckpoint;
    return pragma.startsWith("user_version =") ? this.failPragma : undefined;
  }

  #commit(exec: Opened["exec"]): Opened {
    this.commits += 1;
    const failing = typeof this.failCommit === "function" ? this.failCommit() : this.failCommit;
    if (failing !== undefined) throw systemError(failing);
    const result = exec("COMMIT");
    if (this.failAfterCommit !== undefined) throw systemError(this.failAfterCommit);
    return result;
  }
}
