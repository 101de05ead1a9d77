import * as v from 'valibot'
import { nameSchema, type ReadonlyOutput, rrTypeSchema } from '../../shared/schema.ts'

const valuesSchema = v.nullable(v.array(v.string()))
const rrset = { name: nameSchema, type: rrTypeSchema, wanted: valuesSchema }

/** What a flush would do to one RRset at one provider; see `PlannedChange`. */
export const plannedChangeSchema = v.object({
  ...rrset,
  provider: v.string(),
  action: v.picklist(['unchanged', 'create', 'update', 'delete', 'unknown']),
  found: valuesSchema,
  fault: v.exactOptional(v.string()),
})

/** The answer of `GET plan`. */
export const planViewSchema = v.object({
  zones: v.array(v.object({ zone: nameSchema, changes: v.array(plannedChangeSchema) })),
})

/** What one authoritative server serves; see `Served`. */
export const servedSchema = v.variant('kind', [
  v.object({ kind: v.literal('rrset'), values: v.array(v.string()) }),
  v.object({ kind: v.literal('absent') }),
  v.object({ kind: v.literal('unknown'), reason: v.string() }),
])

/** What all of them come to; see `ServedState`. */
export const servedStateSchema = v.variant('kind', [
  v.object({ kind: v.literal('written') }),
  v.object({ kind: v.literal('live') }),
  v.object({ kind: v.literal('proxied') }),
  v.object({ kind: v.literal('lagging'), servers: v.array(v.string()) }),
  v.object({ kind: v.literal('overwritten'), values: v.array(v.string()) }),
])

/** One RRset, as every authoritative server of its zone serves it. */
export const checkedRRsetSchema = v.object({
  ...rrset,
  state: servedStateSchema,
  answers: v.array(v.object({ server: v.string(), served: servedSchema })),
})

/** The answer of `GET check`. */
export const checkViewSchema = v.object({
  zones: v.array(v.object({ zone: nameSchema, rrsets: v.array(checkedRRsetSchema) })),
})

/** See `planViewSchema`. */
export type PlanView = ReadonlyOutput<typeof planViewSchema>
/** See `checkViewSchema`. */
export type CheckView = ReadonlyOutput<typeof checkViewSchema>
/** See `checkedRRsetSchema`. */
export type CheckedRRset = ReadonlyOutput<typeof checkedRRsetSchema>
/** See `servedSchema`. */
export type ServedView = ReadonlyOutput<typeof servedSchema>
