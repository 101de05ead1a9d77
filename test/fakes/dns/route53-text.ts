import { escapeXml, type XmlTree } from './xml.ts'

/** Writes a tree; the items of a plural are its singular. */
export function renderXml(name: string, tree: XmlTree | undefined): string {
  if (tree === undefined) return ''
  const inner =
    typeof tree === 'string'
      ? escapeXml(tree)
      : Array.isArray(tree)
        ? tree.map((one) => renderXml(name.slice(0, -1), one)).join('')
        : Object.entries(tree)
            .map(([child, one]) => renderXml(child, one))
            .join('')
  return `<${name}>${inner}</${name}>`
}

/** Octal, as the service writes what is no letter, digit, hyphen or underscore in a name. */
export function escapeName(name: string): string {
  return name.replace(
    /[^a-z0-9._-]/g,
    (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
}
/** In lower case with the dot at the end. */
export const unescapeName = (name: string) =>
  name
    .toLowerCase()
    .replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))
    .replace(/\.?$/, '.')

/** TXT content with octal escapes, made without the code under test. */
export function presentOctal(raw: string): string {
  const strings: string[] = []
  for (let bytes = Buffer.from(raw); ; bytes = bytes.subarray(255)) {
    const text = [...bytes.subarray(0, 255)].map((byte) => {
      if (byte === 34 || byte === 92) return `\\${String.fromCharCode(byte)}`
      const isPlain = byte >= 32 && byte < 127
      return isPlain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`
    })
    strings.push(`"${text.join('')}"`)
    if (bytes.length <= 255) return strings.join(' ')
  }
}

/** The raw string of TXT content; undefined when it is not in quotes throughout. */
export function readOctal(content: string): string | undefined {
  const strings = content.match(/"(?:[^"\\]|\\[0-7]{3}|\\.)*"/g) ?? []
  if (strings.join(' ') !== content) return undefined
  const bytes = strings.map((one) =>
    [...one.slice(1, -1).matchAll(/\\([0-7]{3})|\\?(.)/gs)].map(([, code, plain = '']) =>
      code === undefined ? plain.charCodeAt(0) : Number.parseInt(code, 8),
    ),
  )
  if (bytes.some((one) => one.length > 255) || bytes.flat().some((one) => one > 255)) {
    return undefined
  }
  return Buffer.from(bytes.flat()).toString('utf8')
}
