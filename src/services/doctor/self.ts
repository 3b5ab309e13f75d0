/** What this server is, as far as others see it. */
export interface Self {
  /** The name in the MX records. */
  readonly hostname: string;
  /** `address:port` of each SMTP listener. */
  readonly listening: readonly string[];
  /** The default first. */
  readonly certificates: readonly ShownCertificate[];
  /** Addresses of this machine that others may reach. */
  readonly addresses: readonly string[];
}

export interface ShownCertificate {
  readonly names: readonly string[];
  /** When it ends, ms since 1970. */
  readonly expiresAt: number;
  /** Why its files, which were changed, cannot be used. */
  readonly trouble?: string;
}
