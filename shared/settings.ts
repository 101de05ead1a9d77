import * as v from 'valibot'
import { ReprefixError } from './errors.ts'
import { describeIssue, pathOf } from './issue.ts'
import { decodeSettings, type ReferenceResolver } from './settings-document.ts'

export type { ReferenceResolver, SettingsReference } from './settings-document.ts'

const SECRET_KEY =
  /(?:^|\.)(?:secret|token|password|passphrase|(?:private|api|secret|access|application|consumer)Key|applicationSecret|d)(?:\.|$)/i
const MAX_SHOWN = 10

/**
 * Reads a YAML file of settings: one document, no duplicate keys, `${env:X}` and `${file:/path}`
 * inside string scalars replaced by what `resolve` returns, then checked against the schema.
 *
 * A replaced value is never parsed as YAML again, so its content cannot change the structure.
 * Neither replaced values nor those under keys such as `secret` or `token` appear in messages.
 * @throws ReprefixError CONFIG_INVALID with one line per fault: file, path, fault, source line
 */
export function parseSettings<S extends v.GenericSchema>(
  text: string,
  fileName: string,
  schema: S,
  resolve: ReferenceResolver,
): v.InferOutput<S> {
  const source = decodeSettings(text, fileName, resolve)
  // The schema library takes a list for an object without keys.
  if (typeof source.value !== 'object' || source.value === null || Array.isArray(source.value)) {
    throw new ReprefixError('CONFIG_INVALID', `${fileName}: must be a map of settings, key: value`)
  }
  const result = v.safeParse(schema, source.value)
  if (result.success) return result.output
  const lines = result.issues.slice(0, MAX_SHOWN).map((issue) => {
    const path = pathOf(issue)
    const keys = issue.path?.map((item) => String('key' in item ? item.key : '')) ?? []
    const reference = source.referenceAt(keys)
    const fault = describeIssue(issue, reference !== undefined || SECRET_KEY.test(path))
    const origin = reference === undefined ? '' : ` (its value comes from ${reference})`
    const where = path === '' ? fileName : `${fileName}: ${path}`
    return `${where}: ${fault}${origin} (line ${source.lineAt(keys)})`
  })
  throw new ReprefixError('CONFIG_INVALID', lines.join('\n'))
}
