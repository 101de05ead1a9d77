import * as v from 'valibot'
import { PROVIDER_TYPES } from './provider-types.ts'

/** One entry of `providers:` in cloud.yaml, told apart by `type`. */
export const providerSettingsSchema = v.variant(
  'type',
  Object.values(PROVIDER_TYPES).map(({ settings }) => settings),
)

/** Checked settings of one DNS provider. */
export type ProviderSettings = v.InferOutput<typeof providerSettingsSchema>
