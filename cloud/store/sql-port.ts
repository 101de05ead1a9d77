/** What SQLite stores, and what a row gives. */
export type SqlValue = string | number | Uint8Array | null
/** One row, by column. */
export type SqlRow = Readonly<Record<string, SqlValue>>

/** One statement in SQLite's dialect, with positional arguments. */
export interface SqlStatement {
  readonly sql: string
  readonly args: readonly SqlValue[]
}

/** What one statement gave. */
export interface SqlResult {
  readonly rows: readonly SqlRow[]
}

/** The least a relational store must offer: no interactive transactions, so that D1 fits too. */
export interface SqlPort {
  /**
   * Runs all statements or none. Throws `STORE_CONFLICT` when a constraint refused one, `STORE_BUSY`,
   * `STORE_FULL` or `STORE_FAILED` otherwise.
   */
  batch(statements: readonly SqlStatement[]): Promise<readonly SqlResult[]>
  close(): void
}
