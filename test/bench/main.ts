import { Command } from 'commander'
import type { Bench } from './bench.ts'
import { renumberBench } from './renumber.ts'

const BENCHES: readonly Bench[] = [renumberBench]

/** A table of `rows` with a header line; numbers are aligned to the right. */
function renderTable(rows: readonly Readonly<Record<string, string | number>>[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const width = (column: string) =>
    Math.max(column.length, ...rows.map((row) => String(row[column] ?? '').length))
  const line = (cells: readonly (string | number)[]) =>
    cells
      .map((cell, i) => {
        const size = width(columns[i] ?? '')
        return typeof cell === 'number' ? String(cell).padStart(size) : cell.padEnd(size)
      })
      .join('  ')
      .trimEnd()
  return [line(columns), ...rows.map((row) => line(columns.map((c) => row[c] ?? '')))].join('\n')
}

const program: Command = new Command('bench')
  .description('Measures, side by side in one run.')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .argument('<name>', `one of: ${BENCHES.map(({ name }) => name).join(', ')}`)
  .option('--json', 'one JSON object a line, the last one the summary')
  .addHelpText('after', `\n${BENCHES.map((b) => `  ${b.name.padEnd(12)}${b.summary}`).join('\n')}`)
  .action(async (name: string, { json }: { json?: true }) => {
    const bench = BENCHES.find((candidate) => candidate.name === name)
    if (bench === undefined) {
      const known = BENCHES.map((candidate) => candidate.name).join(', ')
      program.error(`bench: there is no bench "${name}"; there are: ${known}`, { exitCode: 2 })
    }
    const print = (value: unknown) => console.log(JSON.stringify(value))
    const { rows, targets } = await bench.run((line) =>
      json ? print({ kind: 'progress', line }) : console.error(line),
    )
    if (json) {
      for (const row of rows) print({ kind: 'row', ...row })
      print({ kind: 'summary', targets })
    } else {
      console.log(`\n${renderTable(rows)}\n`)
      console.log(renderTable(targets.map((t) => ({ ...t, ok: t.ok ? 'yes' : 'NO' }))))
    }
    if (targets.some(({ ok }) => !ok)) process.exitCode = 1
  })

await program.parseAsync()
