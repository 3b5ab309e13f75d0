import { entriesOf } from "../../mail/recipient-pattern.ts";

/** The entries of a list as it came, or why it is none. */
export function readEntries(text: string, type: string): readonly string[] | string {
  const [media = ""] = type.toLowerCase().split(";");
  const kind = media.trim();
  if (kind === "application/json" || kind.endsWith("+json")) return fromJson(text);
  if (kind === "text/plain") return entriesOf(text);
  return kind === ""
    ? "the answer has no Content-Type"
    : `the answer is ${kind.slice(0, 100)}, neither JSON nor plain text`;
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
