import * as v from 'valibot'
import { addressValueSchema } from '../../shared/schema.ts'

/** The answer of `GET /healthz`: the process answers. */
export const healthViewSchema = v.object({ status: v.literal('ok') })

/** The answer of `GET /readyz`: reports can be taken. */
export const readyViewSchema = v.object({ status: v.literal('ready') })

/** The answer of `GET /v1/whoami`: the client's address as the cloud sees it. */
export const clientViewSchema = v.object({ address: v.nullable(addressValueSchema) })

/** See `healthViewSchema`. */
export type HealthView = v.InferOutput<typeof healthViewSchema>
/** See `readyViewSchema`. */
export type ReadyView = v.InferOutput<typeof readyViewSchema>
/** See `clientViewSchema`. */
export type ClientView = v.InferOutput<typeof clientViewSchema>
