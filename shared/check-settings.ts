import * as v from 'valibot'
import { ReprefixError } from './errors.ts'
import { describeIssue, pathOf } from './issue.ts'
import type { SettingsSource } from './settings-source.ts'

const SECRET_KEY =
  /(?:^|\.)(?:secret|token|password|passphrase|(?:private|api|secret|access|application|consumer)Key|applicationSecret|d)(?:\.|$)|^(?:storeToken|log\.(?:key|nextKey))$/i
const MAX_SHOWN = 10

/** One fault in settings, without its place in a file. */
export interface SettingsFault {
  readonly path: readonly string[]
  /** One line that names path, fault and, where there is one, the source line. */
  readonly text: string
}

/** Settings after the schema, or what is wrong with them. */
export type CheckedSettings<T> =
  | { readonly kind: 'valid'; readonly output: T }
  | { readonly kind: 'faulty'; readonly faults: readonly SettingsFault[] }

/**
 * Checks decoded settings against the schema. Neither values that came by reference nor those under
 * keys such as `secret` or `token` appear in messages.
 */
export function checkSettings<S extends v.GenericSchema>(
  source: SettingsSource,
  fileName: string,
  schema: S,
): CheckedSettings<v.InferOutput<S>> {
  // The schema library takes a list for an object without keys.
  if (typeof source.value !== 'object' || source.value === null || Array.isArray(source.value)) {
    const text = `${fileName}: must be a map of settings, key: value`
    return { kind: 'faulty', faults: [{ path: [], text }] }
  }
  const result = v.safeParse(schema, source.value)
  if (result.success) return { kind: 'valid', output: result.output }
  const faults = result.issues.map((issue) => {
    const path = pathOf(issue)
    const keys = issue.path?.map((item) => String('key' in item ? item.key : '')) ?? []
    const reference = source.referenceAt(keys)
    const fault = describeIssue(issue, reference !== undefined || SECRET_KEY.test(path))
    const origin = reference === undefined ? '' : ` (its value comes from ${reference})`
    const where = path === '' ? fileName : `${fileName}: ${path}`
    const line = source.lineAt(keys)
    const place = line === undefined ? '' : ` (line ${line})`
    return { path: keys, text: `${where}: ${fault}${origin}${place}` }
  })
  return { kind: 'faulty', faults }
}

/** The output of a check. @throws ReprefixError CONFIG_INVALID with one line per fault */
export function requireValid<T>(checked: CheckedSettings<T>): T {
  if (checked.kind === 'valid') return checked.output
  const lines = checked.faults.slice(0, MAX_SHOWN).map(({ text }) => text)
  throw new ReprefixError('CONFIG_INVALID', lines.join('\n'))
}
