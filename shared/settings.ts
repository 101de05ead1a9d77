import type * as v from 'valibot'
import { checkSettings, requireValid } from './check-settings.ts'
import { decodeSettings } from './settings-document.ts'
import type { ReferenceResolver } from './settings-source.ts'

export type { ReferenceResolver, SettingsReference } from './settings-source.ts'

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
  return requireValid(checkSettings(decodeSettings(text, fileName, resolve), fileName, schema))
}
