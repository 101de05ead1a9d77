const GROUPS = 8
const ZEROS: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0]
const IPV4_OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
/** Dotted decimal, four parts without leading zeros. */
export const IPV4_TEXT: RegExp = new RegExp(`^${IPV4_OCTET}(?:\\.${IPV4_OCTET}){3}$`)
const MAX_HEX_LENGTH = 39
const EMBEDDED_IPV4 = /^(.*:)([^:]*\..*)$/

/**
 * Text of eight groups, by RFC 5952 §4: the first of the longest runs of zeros is `::`, where it is more
 * than one group.
 */
export function renderGroups(groups: readonly number[]): string {
  let gap = { start: 0, end: 1 }
  for (let start = 0; start < GROUPS; start++) {
    let end = start
    while (groups[end] === 0) end++
    if (end - start > gap.end - gap.start) gap = { start, end }
    start = end
  }
  const render = (part: readonly number[]): string =>
    part.map((group) => group.toString(16)).join(':')
  const { start, end } = gap
  if (end - start === 1) return render(groups)
  return `${render(groups.slice(0, start))}::${render(groups.slice(end))}`
}

/**
 * Untrusted text of any form of RFC 4291 §2.2 to its eight groups, or undefined. A dotted tail becomes two
 * hexadecimal groups first.
 */
export function readGroups(text: string): number[] | undefined {
  const hexadecimal = text.includes('.') ? withoutDottedTail(text) : text
  return hexadecimal === undefined ? undefined : readHexadecimal(hexadecimal)
}

/**
 * The eight groups of hexadecimal text, or undefined. One pass over the characters, because this is
 * the hottest path of a plan; `::` stands for one group or more (RFC 4291 §2.2).
 */
function readHexadecimal(text: string): number[] | undefined {
  if (text.length > MAX_HEX_LENGTH) return undefined
  const groups: number[] = []
  let gap = -1
  let value = 0
  let digits = 0
  for (let i = 0; i < text.length; i++) {
    const digit = hexDigit(text.charCodeAt(i))
    if (digit !== undefined) {
      if (++digits > 4) return undefined
      value = value * 16 + digit
      continue
    }
    if (text[i] !== ':') return undefined
    const isGap = text[i + 1] === ':'
    if (digits > 0) groups.push(value)
    else if (!isGap || i > 0) return undefined
    if (isGap) {
      if (gap >= 0) return undefined
      gap = groups.length
      i++
    }
    value = 0
    digits = 0
  }
  if (digits > 0) groups.push(value)
  else if (gap !== groups.length) return undefined
  const missing = GROUPS - groups.length
  if (gap < 0 ? missing !== 0 : missing < 1) return undefined
  return gap < 0 ? groups : groups.toSpliced(gap, 0, ...ZEROS.slice(0, missing))
}

function hexDigit(code: number): number | undefined {
  if (code >= 48 && code <= 57) return code - 48
  const letter = code | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : undefined
}

function withoutDottedTail(text: string): string | undefined {
  const match = EMBEDDED_IPV4.exec(text)
  const [head, tail] = [match?.[1], match?.[2]]
  if (head === undefined || tail === undefined || !IPV4_TEXT.test(tail)) return undefined
  const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number)
  return `${head}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}
