/** A row of a table; every row of a table has the columns of the first. */
export type TableRow = Readonly<Record<string, string | number>>

/** A table of `rows` with a header line; columns of numbers are aligned to the right. */
export function renderTable(rows: readonly TableRow[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const isNumeric = new Map(
    columns.map((column) => [column, rows.some((row) => typeof row[column] === 'number')]),
  )
  const width = (column: string): number =>
    Math.max(column.length, ...rows.map((row) => String(row[column] ?? '').length))
  const cell = (column: string, value: string | number): string =>
    isNumeric.get(column)
      ? String(value).padStart(width(column))
      : String(value).padEnd(width(column))
  const line = (of: (column: string) => string | number): string =>
    columns
      .map((column) => cell(column, of(column)))
      .join('  ')
      .trimEnd()
  return [line((column) => column), ...rows.map((row) => line((c) => row[c] ?? ''))].join('\n')
}
