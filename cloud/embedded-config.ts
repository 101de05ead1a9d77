import * as v from 'valibot'
import { checkSettings, requireValid } from '../shared/check-settings.ts'
import { ReprefixError } from '../shared/errors.ts'
import { resolveSettings } from '../shared/settings-json.ts'
import type { ReferenceResolver, SettingsSource } from '../shared/settings-source.ts'
import { type CloudConfig, checkConfig } from './check-config.ts'
import { configSchemaWith } from './config-schema.ts'
import { loadProviderTypes, providerSettingsSchemaOf } from './dns/provider-loaders.ts'
import type { ProviderTypes } from './dns/provider-types.ts'
import { RUNTIMES, type Runtime, requireRuntime } from './runtime-limits.ts'

/** What `reprefix config embed` writes; references in `settings` are still references. */
export interface EmbeddedConfig {
  readonly runtime: Runtime
  readonly settings: unknown
}

/** A checked configuration and the kinds of providers in it. */
export interface LoadedConfig {
  readonly config: CloudConfig
  readonly types: Partial<ProviderTypes>
}

/** As messages name it. */
const FILE_NAME = 'cloud.yaml (as embedded)'
const REMEDY = 'write it with "reprefix config embed"'
const embeddedSchema = v.object({ runtime: v.picklist(RUNTIMES), settings: v.unknown() })
const providersSchema = v.object({
  providers: v.record(v.string(), v.object({ type: v.string() })),
})

/**
 * Reads the configuration that was embedded at deploy, with its secrets as they are now. It is checked
 * once more: secrets may be wrong, and the program newer than the command that embedded it.
 * @throws ReprefixError CONFIG_INVALID; no secret is in its message
 */
export async function loadEmbeddedConfig(
  embedded: unknown,
  runtime: Runtime,
  resolve: ReferenceResolver,
): Promise<LoadedConfig> {
  if (!v.is(embeddedSchema, embedded)) {
    throw new ReprefixError('CONFIG_INVALID', `there is no configuration here: ${REMEDY}`)
  }
  if (embedded.runtime !== runtime) {
    throw new ReprefixError(
      'CONFIG_INVALID',
      `the configuration was checked for ${embedded.runtime}: ${REMEDY} --runtime ${runtime}`,
    )
  }
  const source = resolveSettings(embedded.settings, FILE_NAME, resolve)
  const loaded = await checkWithNamedKinds(source, FILE_NAME)
  requireRuntime(loaded.config, runtime, FILE_NAME)
  return loaded
}

/**
 * Loads the kinds of providers that settings name, and checks the settings with these alone.
 * @throws ReprefixError CONFIG_INVALID
 */
export async function checkWithNamedKinds(
  source: SettingsSource,
  fileName: string,
): Promise<LoadedConfig> {
  // What the schema gives has no member __proto__, which is no provider.
  const { output, success } = v.safeParse(providersSchema, source.value)
  const named = success ? Object.values(output.providers) : []
  const types = await loadProviderTypes(named.map(({ type }) => type))
  const schema = configSchemaWith(providerSettingsSchemaOf(types))
  const settings = requireValid(checkSettings(source, fileName, schema))
  return { config: checkConfig(settings, fileName, types), types }
}
