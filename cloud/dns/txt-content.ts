/** How a service writes the content of TXT records; our model holds the raw string. */
export interface TxtForm {
  render(raw: string): string
  parse(content: string): string
}

/** The longest character-string (RFC 1035 §3.3). */
const CHUNK_BYTES = 255
/** Longer than any TXT record can be, with every byte escaped (RFC 1035 §3.3.14). */
const MAX_CONTENT = 5 * 65_535
const WHOLLY_QUOTED = /^\s*(?:"(?:[^"\\]|\\.)*"\s*)+$/su
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** The raw string itself. */
export const plainTxt: TxtForm = { render: (raw) => raw, parse: (content) => content }

/**
 * Character-strings in quotes as in a zone file (RFC 1035 §5.1), `\DDD` for what is not ASCII. Also
 * reads content without quotes, which some services give back for what was sent that way.
 */
export const quotedTxt: TxtForm = quotedIn(10)

/** The same with `\OOO`, the number of a byte in octal, as Route 53 has it. */
export const octalTxt: TxtForm = quotedIn(8)

function quotedIn(radix: 8 | 10): TxtForm {
  return {
    render: (raw) => renderQuoted(raw, radix),
    parse: (content) => parseQuoted(content, radix),
  }
}

function renderQuoted(raw: string, radix: 8 | 10): string {
  const bytes = new TextEncoder().encode(raw)
  const count = Math.max(Math.ceil(bytes.length / CHUNK_BYTES), 1)
  return Array.from({ length: count }, (_, index) => {
    const chunk = bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)
    return `"${[...chunk].map((byte) => renderByte(byte, radix)).join('')}"`
  }).join(' ')
}

function renderByte(byte: number, radix: 8 | 10): string {
  const character = String.fromCharCode(byte)
  if (byte === QUOTE || byte === BACKSLASH) return `\\${character}`
  return byte < 0x20 || byte > 0x7e ? `\\${byte.toString(radix).padStart(3, '0')}` : character
}

function parseQuoted(content: string, radix: 8 | 10): string {
  // Text with something outside of quotes was never quoted as a whole. Checked first, because
  // looking for quotes that are never closed takes time that grows with the square.
  if (content.length > MAX_CONTENT || !WHOLLY_QUOTED.test(content)) return content
  const bytes = [...content.matchAll(/"((?:[^"\\]|\\.)*)"/gsu)].flatMap(([, inner]) =>
    unescapedBytes(inner ?? '', radix),
  )
  return new TextDecoder().decode(Uint8Array.from(bytes))
}

function unescapedBytes(inner: string, radix: 8 | 10): number[] {
  const encoder = new TextEncoder()
  return [...inner.matchAll(/\\(\d{3})|\\(.)|([^\\]+)/gsu)].flatMap(([, code, escaped, plain]) =>
    code !== undefined && Number.parseInt(code, radix) < 256
      ? [Number.parseInt(code, radix)]
      : [...encoder.encode(code ?? escaped ?? plain ?? '')],
  )
}

/** The raw string in pieces that a character-string can hold, none of them cut inside a character. */
export function textChunks(raw: string): readonly string[] {
  const encoder = new TextEncoder()
  const chunks: string[] = []
  let chunk = ''
  let size = 0
  for (const character of raw) {
    const { length } = encoder.encode(character)
    if (size + length > CHUNK_BYTES) {
      chunks.push(chunk)
      chunk = ''
      size = 0
    }
    chunk += character
    size += length
  }
  return [...chunks, chunk]
}
