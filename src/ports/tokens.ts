/** Who may use the admin API over TCP: named tokens, stored hashed. The Unix socket needs none. */

export interface TokenRecord {
  readonly name: string;
  /** SHA-256 of the secret, hexadecimal; the secret has 256 random bits, so no slow hash is needed. */
  readonly hash: string;
  /** Ms since 1970. */
  readonly createdAt: number;
  /** Domain that the token is confined to; absent: everything. */
  readonly domain?: string;
}

export interface TokenStore {
  tokens(): Promise<readonly TokenRecord[]>;
  /** False when the name is taken. */
  addToken(token: TokenRecord): Promise<boolean>;
  revokeToken(name: string): Promise<boolean>;
}
