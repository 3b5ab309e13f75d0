/**
 * The configuration lines for each kind of server. All of them admit mail for the domain, and none lets this server
 * relay.
 */
import { isIPv6 } from "node:net";

export interface KitFacts {
  readonly domain: string;
  readonly hostname: string;
  /** Addresses from which we connect to the primary. */
  readonly addresses: readonly string[];
  readonly xclient: boolean;
}

interface KitFile {
  /** File to which the lines belong. */
  readonly file: string;
  readonly lines: readonly string[];
}

type Kit = (facts: KitFacts) => readonly KitFile[];

/** By the name of the server. */
export const KITS: Readonly<Record<string, Kit>> = {
  postfix,
  exim,
  opensmtpd,
  stalwart,
  rspamd,
  spamassassin,
};

function postfix({ addresses, xclient }: KitFacts): readonly KitFile[] {
  const list = addresses.map((address) => (isIPv6(address) ? `[${address}]` : address)).join(", ");
  return [
    {
      file: "Postfix: /etc/postfix/holdfast.cidr",
      lines: addresses.map((address) => `${address} permit`),
    },
    {
      file: "Postfix: /etc/postfix/main.cf",
      lines: [
        "# The log names the original client.",
        `smtpd_authorized_xforward_hosts = ${list}`,
        ...(xclient ? judgedAgain(list) : SPARED),
        "# No rate or connection limit while the queue drains.",
        `smtpd_client_event_limit_exceptions = $mynetworks, ${list}`,
        "# Where postscreen listens at port 25:",
        "postscreen_access_list = permit_mynetworks, cidr:/etc/postfix/holdfast.cidr",
      ],
    },
  ];
}

/** For `identity: xclient`. */
function judgedAgain(list: string): readonly string[] {
  return [
    "# `identity: xclient`: the original client is judged.",
    `smtpd_authorized_xclient_hosts = ${list}`,
  ];
}

const SPARED = [
  "# Before blocklists, SPF and greylisting, behind the relay check:",
  "smtpd_recipient_restrictions =",
  "    permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination,",
  "    reject_unlisted_recipient,",
  "    check_client_access cidr:/etc/postfix/holdfast.cidr,",
  "    # ... the checks that stood here",
];

function exim({ addresses }: KitFacts): readonly KitFile[] {
  return [
    {
      file: "Exim: main section",
      lines: [`hostlist holdfast = <; ${addresses.join(" ; ")}`],
    },
    {
      file: "Exim: the ACL of acl_smtp_rcpt, before blocklists, SPF, greylisting and ratelimit",
      lines: [
        "accept  hosts     = +holdfast",
        "        domains   = +local_domains : +relay_to_domains",
        "        verify    = recipient",
      ],
    },
  ];
}

function opensmtpd({ addresses, domain }: KitFacts): readonly KitFile[] {
  return [
    {
      file: "OpenSMTPD: smtpd.conf; `local_mail` is the action that takes the domain's mail",
      lines: [
        `table holdfast { ${addresses.join(", ")} }`,
        `match from src <holdfast> for domain "${domain}" action "local_mail"`,
        "# Filters that judge clients: in a chain, `bypass` spares this server those of its phase.",
        "filter holdfast phase connect match src <holdfast> bypass",
        'filter no_rdns phase connect match !rdns disconnect "550 no rDNS"',
        "filter clients chain { holdfast, no_rdns }",
        "# ... and at the end of the line of the listener: filter clients",
      ],
    },
  ];
}

function stalwart({ addresses }: KitFacts): readonly KitFile[] {
  const condition = addresses.map((address) => `remote_ip == '${address}'`).join(" || ");
  return [
    {
      file: "Stalwart: an expression that is true for this server",
      lines: [
        condition,
        "# Settings > MTA > Inbound > Sender Authentication: reverse IP, SPF EHLO and SPF MAIL FROM: `disable` for it.",
        "# Settings > MTA > Inbound > DATA stage: enable the spam filter where it is false, or keep it on.",
        "# Inbound rate limits and the automatic bans: leave its addresses out.",
      ],
    },
  ];
}

function rspamd({ addresses, hostname }: KitFacts): readonly KitFile[] {
  return [
    { file: "rspamd: /etc/rspamd/holdfast.map", lines: addresses },
    {
      file: "rspamd: local.d/external_relay.conf; SPF, blocklists and DMARC see the client of the Received field",
      lines: [
        "enabled = true;",
        "rules {",
        "  HOLDFAST {",
        '    strategy = "ip_map";',
        '    ip_map = "/etc/rspamd/holdfast.map";',
        "    # Before rspamd 3.6, in place of both lines, by the name that the DNS has for its address (PTR):",
        '    # strategy = "hostname_map";',
        `    # hostname_map = ["${hostname}"];`,
        "  }",
        "}",
      ],
    },
  ];
}

function spamassassin({ addresses }: KitFacts): readonly KitFile[] {
  return [
    {
      file: "SpamAssassin: local.cf; a backup MX is internal, so that the client before it is judged",
      lines: addresses.flatMap((address) => [`trusted_networks ${address}`, `internal_networks ${address}`]),
    },
  ];
}
