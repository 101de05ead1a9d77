import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { messageOf, quote, ReprefixError } from './errors.ts'

/** A value kept outside the file: an environment variable, or the content of a file. */
export interface SettingsReference {
  readonly kind: 'env' | 'file'
  readonly name: string
}

/** Gives the value of a reference, or throws an error whose message names what is missing. */
export type ReferenceResolver = (reference: SettingsReference) => string

/** A decoded YAML document that still knows its lines and which values came from elsewhere. */
export interface SettingsSource {
  readonly value: unknown
  /** Source line of the path, or of the nearest ancestor that the file has. */
  lineAt(path: readonly string[]): number
  /** The first reference used at or above the path. */
  referenceAt(path: readonly string[]): string | undefined
}

type Path = readonly string[]

const REFERENCE = /\$(\$?)\{([^}]*)\}/g

/** Deeper than any settings; an anchor that contains its own alias ends here. */
const MAX_DEPTH = 32

/**
 * Decodes one YAML 1.2 document without schema.
 * @throws ReprefixError CONFIG_INVALID on broken YAML, a duplicate key or an unresolved reference
 */
export function decodeSettings(
  text: string,
  fileName: string,
  resolve: ReferenceResolver,
): SettingsSource {
  const counter = new LineCounter()
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false })
  const fault = document.errors[0]
  if (fault !== undefined) {
    const { line } = counter.linePos(fault.pos[0])
    throw new ReprefixError('CONFIG_INVALID', `${fileName}: ${fault.message} (line ${line})`)
  }
  const lines = new Map<string, number>()
  const references = new Map<string, string>()

  function decode(node: unknown, path: Path): unknown {
    if (path.length > MAX_DEPTH) throw at(path, 'is nested too deeply')
    if (isAlias(node)) {
      const target = node.resolve(document)
      if (target === undefined) throw at(path, `there is no anchor &${node.source}`)
      return decode(target, path)
    }
    if (isMap(node)) {
      return Object.fromEntries(
        node.items.map(({ key, value }) => {
          const name = isScalar(key) ? String(key.value) : String(key)
          return [name, inside(value, [...path, name], key)]
        }),
      )
    }
    if (isSeq(node)) {
      return node.items.map((item, index) => inside(item, [...path, String(index)], item))
    }
    if (!isScalar(node)) return null
    return typeof node.value === 'string' ? substitute(node.value, path) : node.value
  }

  function inside(node: unknown, path: Path, place: unknown): unknown {
    const start = isNode(place) ? place.range?.[0] : undefined
    if (start !== undefined) lines.set(path.join('\0'), counter.linePos(start).line)
    return decode(node, path)
  }

  function substitute(scalar: string, path: Path): string {
    return scalar.replace(REFERENCE, (whole: string, dollar: string, name: string) => {
      if (dollar !== '') return whole.slice(1)
      references.set(path.join('\0'), whole)
      try {
        return resolve(parseReference(name, whole))
      } catch (cause) {
        throw at(path, messageOf(cause), cause)
      }
    })
  }

  function at(path: Path, message: string, cause?: unknown): ReprefixError {
    const where = `${fileName}: ${path.slice(0, 8).join('.')}`
    const line = nearest(lines, path) ?? 1
    return new ReprefixError('CONFIG_INVALID', `${where}: ${message} (line ${line})`, { cause })
  }

  return {
    value: decode(document.contents, []),
    lineAt: (path) => nearest(lines, path) ?? 1,
    referenceAt: (path) => nearest(references, path),
  }
}

function nearest<T>(map: ReadonlyMap<string, T>, path: Path): T | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const found = map.get(path.slice(0, length).join('\0'))
    if (found !== undefined) return found
  }
  return undefined
}

function parseReference(inside: string, whole: string): SettingsReference {
  const match = /^(env|file):(.+)$/.exec(inside)
  const [kind, name] = [match?.[1], match?.[2]]
  if ((kind === 'env' || kind === 'file') && name !== undefined) return { kind, name }
  throw new ReprefixError(
    'CONFIG_INVALID',
    `${quote(whole)} is not a reference: write \${env:NAME} or \${file:/path}, or $\${ for the text itself`,
  )
}
