import { checkSettings, requireValid } from '../shared/check-settings.ts'
import { ReprefixError } from '../shared/errors.ts'
import { decodeSettings } from '../shared/settings-document.ts'
import type { ReferenceResolver, SettingsReference } from '../shared/settings-source.ts'
import { type CloudConfig, checkConfig } from './check-config.ts'
import { configSchema } from './config.ts'
import { PROVIDER_TYPES } from './dns/provider-types.ts'
import { type Runtime, requireRuntime } from './runtime-limits.ts'

/** What was found in a configuration that can be used. */
export interface Inspection {
  /** As checked; secrets that are not here are stood in for. */
  readonly config: CloudConfig
  /** As written, references included: what is embedded. */
  readonly settings: unknown
  readonly warnings: readonly string[]
  /** References that have no value here; the runtime must have one for each when it starts. */
  readonly unresolved: readonly string[]
}

/** Long enough for a token, and base64: stands for a secret that only the runtime has. */
const STAND_IN = 'c3RhbmRzLWZvci1hLXNlY3JldC10aGF0LWlzLXNldC1sYXRlcg=='
const KEY_STAND_IN = `PRIVATE+KEY+${STAND_IN}`

/**
 * Checks a configuration for a runtime on a machine that need not have its secrets: what is there is
 * checked as it is, and what is not is taken to be right and told of.
 * @throws ReprefixError CONFIG_INVALID with file, path and remedy
 */
export function inspectConfig(
  text: string,
  fileName: string,
  runtime: Runtime,
  resolve: ReferenceResolver,
): Inspection {
  const unresolved = new Set<string>()
  const source = decodeSettings(text, fileName, (reference) => {
    requirePossible(reference, runtime)
    try {
      return resolve(reference)
    } catch {
      unresolved.add(`\${${reference.kind}:${reference.name}}`)
      return STAND_IN
    }
  })
  const checked = checkSettings(
    { ...source, value: withKeys(source.value) },
    fileName,
    configSchema,
  )
  const config = checkConfig(requireValid(checked), fileName, PROVIDER_TYPES)
  requireRuntime(config, runtime, fileName)
  return {
    config,
    settings: decodeSettings(text, fileName).value,
    warnings: config.warnings,
    unresolved: [...unresolved],
  }
}

function requirePossible({ kind, name }: SettingsReference, runtime: Runtime): void {
  if (kind === 'env' || runtime !== 'workers') return
  throw new ReprefixError(
    'CONFIG_INVALID',
    `a Worker has no files: store the content of ${name} as a secret, and write \${env:NAME}`,
  )
}

/** The log's keys are told from file names by how they begin. */
function withKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('log' in value)) return value
  const { log } = value
  if (typeof log !== 'object' || log === null) return value
  const keys = Object.entries(log).map(([name, key]) => [
    name,
    key === STAND_IN ? KEY_STAND_IN : key,
  ])
  return { ...value, log: Object.fromEntries(keys) }
}
