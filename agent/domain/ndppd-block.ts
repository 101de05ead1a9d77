import { ReprefixError } from '../../shared/errors.ts'

/** The lines around what is ours in ndppd's configuration. */
export const BEGIN = '# BEGIN reprefix: this block is rewritten, edit outside of it'
export const END = '# END reprefix'

interface Part {
  readonly isOurs: boolean
  readonly lines: readonly string[]
}

/** Splits text at our blocks. @throws ReprefixError NDPPD_CONFIG_INVALID where one has no end */
function splitBlocks(text: string): readonly Part[] {
  const parts: Part[] = []
  let lines: string[] = []
  let beginLine: number | undefined
  const finish = (): void => {
    if (lines.length > 0) parts.push({ isOurs: beginLine !== undefined, lines })
    lines = []
  }
  for (const [index, line] of text.split(/(?<=\n)/).entries()) {
    const mark = line.trim()
    const isBegin = beginLine === undefined && mark === BEGIN
    if (isBegin) {
      finish()
      beginLine = index + 1
    }
    lines.push(line)
    if (beginLine === undefined || mark !== END) continue
    finish()
    beginLine = undefined
  }
  finish()
  if (beginLine === undefined) return parts
  throw new ReprefixError(
    'NDPPD_CONFIG_INVALID',
    `ndppd's configuration, line ${beginLine}: the block of reprefix has lost its line "${END}"; put it back after the block's last line, or remove the block`,
  )
}

function join(parts: readonly Part[]): string {
  return parts.flatMap(({ lines }) => lines).join('')
}

/** Removes our blocks, wherever they are. @throws ReprefixError NDPPD_CONFIG_INVALID without their end */
export function withoutBlocks(text: string): string {
  return join(splitBlocks(text).filter(({ isOurs }) => !isOurs))
}

/**
 * Removes the rules of our blocks for these bridges, and blocks that have none left.
 * @throws ReprefixError NDPPD_CONFIG_INVALID where a block has no end
 */
export function withoutRules(text: string, bridges: readonly string[]): string {
  const bridgeOf = (line: string) => /^rule \S+ \{ iface (\S+) \}$/.exec(line.trim())?.[1]
  const parts = splitBlocks(text).map((part): Part => {
    if (!part.isOurs) return part
    const lines = part.lines.filter((line) => !bridges.includes(bridgeOf(line) ?? ''))
    return { ...part, lines: lines.some((line) => bridgeOf(line) !== undefined) ? lines : [] }
  })
  return join(parts)
}
