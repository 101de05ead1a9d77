import { ReprefixError } from '../../shared/errors.ts'

/** One `proxy INTERFACE { … }` of ndppd's configuration. */
export interface ProxySection {
  readonly interface: string
  /** Offset just after its opening brace. */
  readonly bodyStart: number
}

/** ndppd knows two levels. It has no limit and neither may a text have the depth of our stack. */
const MAX_DEPTH = 64

interface Cursor {
  readonly text: string
  at: number
  depth: number
}

/**
 * Finds the `proxy` sections of an ndppd configuration, in their order. Reads the text by the rules of
 * ndppd 0.2.5's own reader, comments and quotes included, and nothing of what the sections mean.
 * @throws ReprefixError NDPPD_CONFIG_INVALID where braces do not match: ndppd silently ignores all that
 * follows a closing brace too many, and refuses to start when one is missing; or are nested beyond reason
 */
export function findProxySections(text: string): readonly ProxySection[] {
  const cursor: Cursor = { text, at: 0, depth: 0 }
  const sections = readBlock(cursor)
  if (cursor.at < text.length) throw invalid(cursor, 'a closing brace without an opening one')
  return sections
}

/** Reads entries up to a closing brace or the end, giving the proxy sections among them. */
function readBlock(cursor: Cursor): readonly ProxySection[] {
  const sections: ProxySection[] = []
  for (;;) {
    skip(cursor, true)
    const next = cursor.text[cursor.at]
    if (next === undefined || next === '}') return sections
    const key = take(cursor, /[A-Za-z0-9_-]*/y)
    skip(cursor, false)
    if (cursor.text[cursor.at] === '=') {
      cursor.at += 1
      skip(cursor, false)
    }
    const start = cursor.at
    const value = readValue(cursor)
    const bodyStart = readBody(cursor)
    if (bodyStart !== undefined && key === 'proxy') sections.push({ interface: value, bodyStart })
    if (cursor.at === start && key === '' && bodyStart === undefined) {
      throw invalid(cursor, `an unexpected ${JSON.stringify(cursor.text[start] ?? 'end')}`)
    }
  }
}

function readValue(cursor: Cursor): string {
  const quoted = take(cursor, /(["'])[^\n]*?(?:\1|(?=\n)|$)/y)
  if (quoted !== '') return quoted.replaceAll(/^["']|["']$/g, '')
  return take(cursor, /[!-z|~]*/y)
}

function readBody(cursor: Cursor): number | undefined {
  skip(cursor, false)
  if (cursor.text[cursor.at] !== '{') return undefined
  const opening = cursor.at
  cursor.at += 1
  const bodyStart = cursor.at
  cursor.depth += 1
  if (cursor.depth > MAX_DEPTH) throw invalid(cursor, 'braces nested too deep')
  readBlock(cursor)
  cursor.depth -= 1
  if (cursor.text[cursor.at] !== '}') {
    throw invalid({ ...cursor, at: opening }, 'an opening brace that is never closed')
  }
  cursor.at += 1
  return bodyStart
}

/** Passes over white space and comments; over line ends only where told. */
function skip(cursor: Cursor, isOverLines: boolean): void {
  const space = isOverLines ? /\s*/y : /[^\S\n]*/y
  const comment = /#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y
  do take(cursor, space)
  while (take(cursor, comment) !== '')
}

function take(cursor: Cursor, pattern: RegExp): string {
  pattern.lastIndex = cursor.at
  const match = pattern.exec(cursor.text)?.[0] ?? ''
  cursor.at += match.length
  return match
}

function invalid({ text, at }: Pick<Cursor, 'text' | 'at'>, fault: string): ReprefixError {
  const line = text.slice(0, at).split('\n').length
  return new ReprefixError(
    'NDPPD_CONFIG_INVALID',
    `ndppd's configuration, line ${line}: ${fault}; correct it, then check it with: ndppd -vv -c FILE`,
  )
}
