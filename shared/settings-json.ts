import { messageOf, ReprefixError } from './errors.ts'
import {
  MAX_DEPTH,
  nearest,
  type ReferenceResolver,
  type SettingsSource,
  substituteReferences,
} from './settings-source.ts'

/**
 * Replaces the references in settings that were read and checked before, and written as JSON: the
 * strings are those of the YAML file, `$${` included. There are no source lines any more.
 * @throws ReprefixError CONFIG_INVALID naming path and remedy of a reference without a value
 */
export function resolveSettings(
  value: unknown,
  fileName: string,
  resolve: ReferenceResolver,
): SettingsSource {
  const references = new Map<string, string>()

  function decode(node: unknown, path: readonly string[]): unknown {
    if (path.length > MAX_DEPTH) {
      const where = `${fileName}: ${path.slice(0, 8).join('.')}`
      throw new ReprefixError('CONFIG_INVALID', `${where}: is nested too deeply`)
    }
    if (typeof node === 'string') return substitute(node, path)
    if (Array.isArray(node)) return node.map((item, index) => decode(item, [...path, `${index}`]))
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(
      Object.entries(node).map(([key, item]) => [key, decode(item, [...path, key])]),
    )
  }

  function substitute(text: string, path: readonly string[]): string {
    try {
      return substituteReferences(text, resolve, (reference) => {
        references.set(path.join('\0'), reference)
      })
    } catch (cause) {
      const where = `${fileName}: ${path.join('.')}`
      throw new ReprefixError('CONFIG_INVALID', `${where}: ${messageOf(cause)}`, { cause })
    }
  }

  return {
    value: decode(value, []),
    lineAt: () => undefined,
    referenceAt: (path) => nearest(references, path),
  }
}
