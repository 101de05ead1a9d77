import * as v from 'valibot'
import { ReprefixError } from './errors.ts'
import { describeIssues } from './issue.ts'
import {
  addressValueSchema,
  countSchema,
  hashSchema,
  hostSchema,
  nameSchema,
  prefixSchema,
  timestampSchema,
} from './schema.ts'

export { parseHostName } from './schema.ts'

/** Largest report on the wire, in bytes of the compact JWS. */
export const MAX_REPORT_BYTES = 16_384
/** Most names that one report may claim. */
export const MAX_REPORT_NAMES = 64

const MAX_VALUES = 32
const MAX_OTHERS = 7
const MAX_STEPS = 256

const claimSchema = v.pipe(
  v.strictObject({
    name: nameSchema,
    type: v.picklist(['A', 'AAAA']),
    values: v.pipe(v.array(addressValueSchema), v.minLength(1), v.maxLength(MAX_VALUES)),
  }),
  v.check(
    ({ type, values }) => values.every((value) => value.includes(':') === (type === 'AAAA')),
    'has a value of the other address family: A holds IPv4 and AAAA holds IPv6',
  ),
  v.check(
    ({ values }) => new Set(values).size === values.length,
    'has a value twice: list each address once',
  ),
)

/**
 * What an agent reports, version 1. `records` is the host's complete claim: what it claimed before
 * and does not name here is withdrawn. `log` is the last checkpoint that the agent has verified.
 */
export const reportSchema = v.strictObject({
  v: v.literal(1),
  host: hostSchema,
  seq: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  prefix: v.strictObject({
    current: prefixSchema,
    /** Prefixes of further uplinks, in which values may lie too. */
    others: v.exactOptional(v.pipe(v.array(prefixSchema), v.minLength(1), v.maxLength(MAX_OTHERS))),
    previous: v.exactOptional(prefixSchema),
    validUntil: v.exactOptional(timestampSchema),
    cause: v.picklist(['initial', 'flash', 'planned', 'claims']),
  }),
  records: v.pipe(
    v.array(claimSchema),
    v.check(
      (records) => new Set(records.map(({ name }) => name)).size <= MAX_REPORT_NAMES,
      `may claim at most ${MAX_REPORT_NAMES} names`,
    ),
    v.check(
      (records) => new Set(records.map((r) => `${r.name}/${r.type}`)).size === records.length,
      'claims one name and type twice: put all its addresses into one record',
    ),
  ),
  steps: v.pipe(
    v.array(
      v.strictObject({
        step: v.pipe(v.string(), v.maxLength(64)),
        target: v.pipe(v.string(), v.maxLength(255)),
        outcome: v.picklist(['done', 'failed']),
        ms: v.pipe(v.number(), v.finite(), v.minValue(0)),
      }),
    ),
    v.maxLength(MAX_STEPS),
  ),
  log: v.strictObject({ size: countSchema, root: hashSchema }),
  agent: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
})

/** An agent's report; see `reportSchema`. */
export type Report = v.InferOutput<typeof reportSchema>
/** One RRset that the host claims. */
export type Claim = Report['records'][number]

/**
 * Checks untrusted, already decoded JSON. Accepts canonical values only and no unknown member.
 * @throws ReprefixError REPORT_INVALID naming the path
 */
export function parseReport(value: unknown): Report {
  const result = v.safeParse(reportSchema, value)
  if (result.success) return result.output
  throw new ReprefixError('REPORT_INVALID', `invalid report: ${describeIssues(result.issues)}`)
}
