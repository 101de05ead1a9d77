import * as v from 'valibot'
import { rfc2136SettingsSchema } from './rfc2136-settings.ts'

/** One entry of `providers:` in cloud.yaml, told apart by `type`. */
export const providerSettingsSchema = v.variant('type', [rfc2136SettingsSchema])

/** Checked settings of one DNS provider. */
export type ProviderSettings = v.InferOutput<typeof providerSettingsSchema>
