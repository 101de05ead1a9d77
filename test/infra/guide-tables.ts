import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The table of a guide whose first heading cell is `what`: its rows by their first cell. */
export function tableOf(guide: string, what: string): ReadonlyMap<string, readonly string[]> {
  const lines = readFileSync(join('docs/guides', guide), 'utf8').split('\n')
  const start = lines.findIndex((line) => cellsOf(line)[0] === what)
  if (start < 0) throw new Error(`${guide} has no table that begins with ${what}`)
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'))
  const rows = lines.slice(start + 2, start + length).map(cellsOf)
  return new Map(rows.map(([name = '', ...cells]) => [name, cells]))
}

function cellsOf(line: string): readonly string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}

/** `$19.84` or `1,000` as a number; of `$0.30 per million` the first. */
export function numberIn(cell: string | undefined): number {
  const [text] = /[\d,]+(?:\.\d+)?/.exec(cell ?? '') ?? []
  if (text === undefined) throw new Error(`no number in ${cell}`)
  return Number(text.replaceAll(',', ''))
}
