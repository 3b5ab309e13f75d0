import type { Logger } from "../../src/runtime/log.ts";

/** A log that nobody reads. */
export const SILENT: Logger = { error() {}, warn() {}, info() {}, debug() {} };
