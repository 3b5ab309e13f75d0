/** What others can see of this server. */
export interface Self {
  /** The name that MX records should contain. */
  readonly hostname: string;
  /** `address:port` of each SMTP listener. */
  readonly listening: readonly string[];
  /** The default first. */
  readonly certificates: readonly ShownCertificate[];
  /** Addresses of this machine that others may be able to reach. */
  readonly addresses: readonly string[];
}

export interface ShownCertificate {
  readonly names: readonly string[];
  /** When the certificate expires, in ms since 1970. */
  readonly expiresAt: number;
  /** Why its changed files cannot be used; absent if they are in use. */
  readonly trouble?: string;
}
