import { quote, ReprefixError } from './errors.ts'

/** A value kept outside the file: an environment variable, or the content of a file. */
export interface SettingsReference {
  readonly kind: 'env' | 'file'
  readonly name: string
}

/** Gives the value of a reference, or throws an error whose message names what is missing. */
export type ReferenceResolver = (reference: SettingsReference) => string

/** Decoded settings that still know which values came from elsewhere and, where they can, their lines. */
export interface SettingsSource {
  readonly value: unknown
  /** Source line of the path, or of the nearest ancestor that the file has. */
  lineAt(path: readonly string[]): number | undefined
  /** The first reference used at or above the path. */
  referenceAt(path: readonly string[]): string | undefined
}

/** Deeper than any settings; in YAML an anchor that contains its own alias ends here. */
export const MAX_DEPTH = 32

const REFERENCE = /\$(\$?)\{([^}]*)\}/g

/**
 * Replaces `${env:X}` and `${file:/path}` by what `resolve` gives, and `$${` by `${`. What is put in is
 * not looked through again. `onReference` is told each reference before it is resolved.
 * @throws ReprefixError CONFIG_INVALID for other references, and whatever `resolve` throws
 */
export function substituteReferences(
  text: string,
  resolve: ReferenceResolver,
  onReference: (reference: string) => void,
): string {
  return text.replace(REFERENCE, (whole: string, dollar: string, name: string) => {
    if (dollar !== '') return whole.slice(1)
    onReference(whole)
    return resolve(parseReference(name, whole))
  })
}

/** What a map keyed by NUL-joined paths has for the path, or for its nearest ancestor. */
export function nearest<T>(map: ReadonlyMap<string, T>, path: readonly string[]): T | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const found = map.get(path.slice(0, length).join('\0'))
    if (found !== undefined) return found
  }
  return undefined
}

/** Reads `${env:X}` from the given environment, for runtimes that have no files. */
export function createEnvResolver(
  environment: Readonly<Record<string, unknown>>,
): ReferenceResolver {
  return ({ kind, name }) => {
    if (kind === 'file') {
      throw new ReprefixError(
        'CONFIG_INVALID',
        `there are no files here: use \${env:…} for ${name}`,
      )
    }
    const value = environment[name]
    if (typeof value === 'string' && value !== '') return value
    throw new ReprefixError('CONFIG_INVALID', `set the secret or variable ${name}: it is empty`)
  }
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
