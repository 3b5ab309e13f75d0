/** Can new mail be stored? `full`: 452, delivery goes on. `sick`: 421, everything stops. */
export type StoreCondition = "ok" | "full" | "sick";

export interface ConditionChange {
  readonly condition: StoreCondition;
  readonly why: string;
  /** Bytes free on the file system. */
  readonly free?: number;
  /** Bytes left of what is kept for deliveries, where some had to be given up; 0: they stand still. */
  readonly ballast?: number;
}
