import { entriesOf } from "../../mail/recipient-pattern.ts";
import { NOT_UTF8, utf8Text } from "../../runtime/utf8-text.ts";

/** Returns the entries of a response body, or, as a text, why it is not a list. `type`: its Content-Type. */
export function readEntries(bytes: Buffer, type: string): readonly string[] | string {
  const [media = ""] = type.toLowerCase().split(";");
  const kind = media.trim();
  if (kind === "") return "the answer has no Content-Type";
  const isJson = kind === "application/json" || kind.endsWith("+json");
  if (!isJson && kind !== "text/plain")
    return `the answer is ${kind.slice(0, 100)}, neither JSON nor plain text`;
  const text = utf8Text(bytes);
  if (text === undefined) return `the answer ${NOT_UTF8.wrong}`;
  return isJson ? fromJson(text) : entriesOf(text);
}

function fromJson(text: string): readonly string[] | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "the answer is not sound JSON";
  }
  const named =
    typeof value === "object" && value !== null && "recipients" in value ? value.recipients : value;
  if (!Array.isArray(named)) return "the JSON is neither an array nor an object with `recipients`";
  const odd = named.findIndex((entry) => typeof entry !== "string");
  return odd === -1 ? (named as string[]) : `entry ${odd + 1} of the JSON is not a text`;
}
