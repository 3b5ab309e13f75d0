/** Whether new mail can be stored. `full`: clients get 452, delivery goes on. `sick`: 421, and everything stops. */
export type StoreCondition = "ok" | "full" | "sick";

export interface ConditionChange {
  readonly condition: StoreCondition;
  readonly why: string;
  /** Bytes free on the file system. */
  readonly free?: number;
  /** Bytes left of the reserve for deliveries, if a part of it has been used; 0: deliveries have stopped. */
  readonly ballast?: number;
}
