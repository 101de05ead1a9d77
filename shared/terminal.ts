/**
 * Text of others (an agent's version, a line of an export) must not steer the terminal: control
 * characters and those that turn the direction of writing are shown as their code points.
 */
export function printable(text: string): string {
  return text.replace(/(?!\n|\t)\p{Cc}|\p{Bidi_Control}/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** Columns as wide as their widest cell, two spaces apart. */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const lines = [header, ...rows]
  const widths = header.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** A counter on one line of standard error, on a terminal only. */
export function createProgress(label: string, isTty: boolean) {
  let last = 0
  return {
    show(count: number): void {
      const now = Date.now()
      if (!isTty || now - last < 100) return
      last = now
      process.stderr.write(`\r${label} ${count}`)
    },
    clear(): void {
      if (isTty && last > 0) process.stderr.write('\r\u001b[K')
    },
  }
}

let isWatched = false

/**
 * Writes a line to standard output. Once nobody reads it any more, as behind `| head`, the process ends without
 * a word.
 */
export function printLine(line: string): void {
  if (!isWatched) process.stdout.on('error', endWithReader)
  isWatched = true
  process.stdout.write(`${line}\n`)
}

function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit()
}
