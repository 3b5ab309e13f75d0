/** Generates the configuration's reference page and JSON Schema from the schema that checks the file. */
import * as z from "zod";
import { notations, notes, type Note } from "./notes.ts";
import { RESTART_KEYS } from "./reload.ts";
import { root } from "./schema.ts";

type Anything = z.core.$ZodType;

interface Key {
  readonly path: string;
  readonly type: string;
  readonly initial: string;
  readonly note: Note;
}

/** Returns the JSON Schema for editors: `# yaml-language-server: $schema=holdfast.schema.json`. */
export function configSchema(): string {
  const schema = z.toJSONSchema(root, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const note = notes.get(zodSchema as Anything as z.ZodType);
      const notation = notations.get(scalarOf(zodSchema) as z.ZodType);
      if (notation !== undefined) Object.assign(jsonSchema, notation.json);
      if (note !== undefined) jsonSchema.description = [note.meaning, note.rfc].filter(Boolean).join(" ");
      jsonSchema.default = editorDefault(jsonSchema.default, notation?.json["type"]);
      if (jsonSchema.default === undefined) delete jsonSchema.default;
    },
  });
  return `${JSON.stringify({ title: "Holdfast configuration", ...schema }, null, 2)}\n`;
}

type Json = z.core.JSONSchema.JSONSchema["default"];

/** Editors read numbers where we read texts; the empty default of a section is useless to them. */
function editorDefault(written: Json, type: unknown): Json {
  if (type === "integer" && typeof written === "string") return Number(written);
  const empty = typeof written === "object" && written !== null && Object.keys(written).length === 0;
  return empty && !Array.isArray(written) ? undefined : written;
}

/** Returns the schema within defaults, `optional` and transformations. */
function scalarOf(schema: Anything): Anything {
  if (notations.has(schema as z.ZodType)) return schema;
  const inner = innerOf(schema);
  return inner === undefined ? schema : scalarOf(inner);
}

function innerOf(schema: Anything): Anything | undefined {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) return schema.unwrap();
  return schema instanceof z.ZodPipe ? schema.in : undefined;
}

/** Returns the mapping among the forms that a key may have, and how its keys are reached. */
function mappingOf(
  schema: Anything,
): { readonly shape: z.core.$ZodShape; readonly step: string } | undefined {
  const inner = innerOf(schema);
  if (inner !== undefined) return mappingOf(inner);
  if (schema instanceof z.ZodObject) return { shape: schema.shape, step: "" };
  if (schema instanceof z.ZodArray) return stepped(mappingOf(schema.element), "[]");
  if (schema instanceof z.ZodRecord) return stepped(mappingOf(schema.valueType), ".<domain>");
  if (!(schema instanceof z.ZodUnion)) return undefined;
  return schema.options.map(mappingOf).find((mapping) => mapping !== undefined);
}

function stepped(mapping: ReturnType<typeof mappingOf>, step: string): ReturnType<typeof mappingOf> {
  return mapping && { ...mapping, step: `${step}${mapping.step}` };
}

function keysOf(shape: z.core.$ZodShape, base = ""): readonly Key[] {
  return Object.entries(shape).flatMap(([name, schema]) => {
    const path = `${base}${name}`;
    const mapping = mappingOf(schema);
    const nested = mapping === undefined ? [] : keysOf(mapping.shape, `${path}${mapping.step}.`);
    return [keyOf(path, schema)].concat(nested);
  });
}

function keyOf(path: string, schema: Anything): Key {
  const note = notes.get(schema as z.ZodType);
  if (note === undefined) throw new Error(`the key ${path} has no description`);
  const notation = notations.get(scalarOf(schema) as z.ZodType);
  return { path, note, type: note.type ?? notation?.type ?? "mapping", initial: initialOf(schema, note) };
}

function initialOf(schema: Anything, note: Note): string {
  if (note.default !== undefined) return note.default;
  if (schema instanceof z.ZodPrefault) {
    const value = schema.def.defaultValue;
    return typeof value === "string" ? `\`${value}\`` : defaultOfCollection(value);
  }
  return schema instanceof z.ZodOptional ? "none" : "must be set";
}

function defaultOfCollection(value: unknown): string {
  return Array.isArray(value) ? "`[]`" : "as below";
}

const INTRODUCTION = `# Configuration

One YAML file configures Holdfast: the one after \`--config\`, else the one that \`HOLDFAST_CONFIG\` names, else
\`./config/holdfast.yaml\`. \`holdfast check-config\` reads the file like the daemon and reports all mistakes at once, each with
its line. \`holdfast reload\` (or SIGHUP) puts a changed file into effect. A file with a mistake changes nothing: the daemon keeps
the previous configuration. Keys marked *restart* are read only when the daemon starts; a reload names those that have changed.

- Durations: \`90s\`, \`5m\`, \`12h\`, \`30d\`, \`2w\`, also \`1h30m\`; sizes: \`50MB\` (millions of bytes) or \`64KiB\` (times 1024).
- Files that Holdfast reads (certificates, recipients, an alert program with a slash in its name) are relative to the folder of
  the configuration file. What it writes (\`storage\`, \`log.file\`, \`admin.socket\`) is relative to the folder in which the daemon is started.
- IPv6 addresses, and strings that begin with \`*\` or \`@\`, need quotes.
- In a recipient file, each line is a local part, an address of the domain, or a prefix such as \`list-*\`; \`#\` begins a
  comment. Case does not matter.
- An editor that supports JSON Schema can complete and check the file with \`config/holdfast.schema.json\`.

This page is generated from the schema in \`src/config\` by \`npm run generate\`.
`;

/** Returns every key with type, default, meaning and example, as Markdown. */
export function referencePage(): string {
  const sections = Object.entries(root.shape).map(([name, schema]) => {
    const keys = keysOf({ [name]: schema });
    return `## ${name}\n\n${table(keys)}`;
  });
  return `${INTRODUCTION}\n${sections.join("\n")}`;
}

function table(keys: readonly Key[]): string {
  const rows = keys.map(({ path, type, initial, note }) => {
    const restart = Object.hasOwn(RESTART_KEYS, path) ? " *restart*" : "";
    const rfc = note.rfc === undefined ? "" : ` ${note.rfc}.`;
    const example = note.example === undefined ? "" : `\`${note.example}\``;
    return row([`\`${path}\`${restart}`, type, initial, `${note.meaning}${rfc}`, example]);
  });
  return `${row(["Key", "Type", "Default", "Meaning", "Example"])}${row(Array(5).fill("---"))}${rows.join("")}`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |\n`;
}
