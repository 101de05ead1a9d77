import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { messageOf, ReprefixError } from './errors.ts'
import {
  MAX_DEPTH,
  nearest,
  type ReferenceResolver,
  type SettingsSource,
  substituteReferences,
} from './settings-source.ts'

type Path = readonly string[]

/**
 * Decodes one YAML 1.2 document without schema. Without `resolve`, strings stay as they are written.
 * @throws ReprefixError CONFIG_INVALID on broken YAML, a duplicate key or an unresolved reference
 */
export function decodeSettings(
  text: string,
  fileName: string,
  resolve?: ReferenceResolver,
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
    if (resolve === undefined) return scalar
    try {
      return substituteReferences(scalar, resolve, (reference) => {
        references.set(path.join('\0'), reference)
      })
    } catch (cause) {
      throw at(path, messageOf(cause), cause)
    }
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
