import { normaliseDomain } from "../mail/domain.ts";
import { described } from "./notes.ts";
import { quoted } from "./problem.ts";
import { listOf, message, oneOrMore, scalar, section, words } from "./scalars.ts";

const CERTIFICATES = "{ certificate: fullchain.pem, key: privkey.pem }, or a list of these";
const NAMES = 'a list such as [mx.example.net, "*.example.org"]';

/** A name that clients request, in lower case and A-labels; `*.` may stand for one label. */
function serverName() {
  const notation = {
    type: "name",
    expected: 'a host name such as mx.example.net or "*.example.net"',
    json: { type: "string" },
  };
  return scalar(notation, (text) => {
    const [, star = "", rest = ""] = /^(\*\.)?(.+)$/.exec(text) ?? [];
    const name = normaliseDomain(rest);
    return name === undefined ? { wrong: `${quoted(text)} is not a host name` } : { value: `${star}${name}` };
  });
}

const pair = section({
  certificate: described(words("the path of a PEM file with the certificate and its chain"), {
    meaning: "PEM file with the certificate, then its chain. A renewed file is used without a reload.",
    example: "fullchain.pem",
    type: "path",
  }),
  key: described(words("the path of a PEM file with the private key"), {
    meaning: "PEM file with the private key of the certificate.",
    example: "privkey.pem",
    type: "path",
  }),
  names: described(
    listOf(serverName(), NAMES)
      .min(1, { error: message("is empty, so no client would get this certificate", `write ${NAMES}`) })
      .optional(),
    {
      meaning:
        "Clients that request one of these names (SNI) get this certificate; `*.` matches one label. All others get the first one of the list.",
      example: '[mx.example.net, "*.example.org"]',
      type: "list of names",
      default: "the names in the certificate",
      rfc: "RFC 6066 §3",
    },
  ),
});

/** One certificate, or several for different names. */
export const certificates = described(oneOrMore(pair, CERTIFICATES).optional(), {
  meaning:
    "Certificate for STARTTLS and implicit TLS, TLS 1.2 and later; a list if clients request several names. Without it, mail is received unencrypted.",
  example: "{ certificate: fullchain.pem, key: privkey.pem }",
  type: "mapping, or a list of them",
  rfc: "RFC 3207",
});
