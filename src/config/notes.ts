/** What the reference page and the JSON Schema say about a key; stored with its schema. */
import * as z from "zod";

export interface Note {
  readonly meaning: string;
  readonly example?: string;
  /** Such as `RFC 5321 §4.5.3.1.8`. */
  readonly rfc?: string;
  /** Shown instead of the schema's default, if the default is computed. */
  readonly default?: string;
  /** Shown instead of the schema's type, if there are several forms. */
  readonly type?: string;
}

/** How a scalar is written. */
export interface Notation {
  /** For the reference page, such as `duration, 1s to 1h`. */
  readonly type: string;
  /** For messages, such as `a duration from 1s to 1h`. */
  readonly expected: string;
  readonly json: Readonly<Record<string, unknown>>;
}

export const notes = z.registry<Note>();
export const notations = z.registry<Notation>();

export function described<S extends z.ZodType>(schema: S, note: Note): S {
  notes.add(schema, note);
  return schema;
}
