import { parseSettings, type ReferenceResolver } from '../shared/settings.ts'
import { type CloudConfig, checkConfig } from './check-config.ts'
import { configSchemaWith } from './config-schema.ts'
import { providerSettingsSchema } from './dns/provider-settings.ts'
import { PROVIDER_TYPES } from './dns/provider-types.ts'

export type { CloudConfig } from './check-config.ts'

/** cloud.yaml as it is written, with every kind of provider. */
export const configSchema = configSchemaWith(providerSettingsSchema)

/**
 * Reads cloud.yaml. Every fault names the file, the path and what to do; unknown keys are faults.
 * @throws ReprefixError CONFIG_INVALID
 */
export function parseConfig(
  text: string,
  fileName: string,
  resolve: ReferenceResolver,
): CloudConfig {
  const settings = parseSettings(text, fileName, configSchema, resolve)
  return checkConfig(settings, fileName, PROVIDER_TYPES)
}
