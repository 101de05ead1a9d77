import * as v from 'valibot'
import { ReprefixError } from '../../shared/errors.ts'
import { type Address, type Prefix, parseAddress } from '../../shared/ipv6.ts'
import { describeIssues } from '../../shared/issue.ts'
import { canonicalBy, nameSchema, prefixSchema } from '../../shared/schema.ts'
import type { RememberedClaim } from './claims.ts'
import type { Instant, PrefixList, RenumberCause, RetiringPrefix } from './model.ts'

/** The prefix that the host is numbered from. */
export interface CurrentPrefix {
  readonly prefix: Prefix
  /** Why it was taken. */
  readonly cause: RenumberCause
  readonly since: Instant
}

/**
 * What the agent remembers between passes and restarts; everything else is read again. It is saved
 * before the first change of a pass, so that whatever a killed pass has left behind is recognised.
 */
export interface AgentState {
  readonly v: 1
  readonly prefixes: PrefixList
  /** `null` until the first usable prefix was seen. */
  readonly current: CurrentPrefix | null
  /** Former prefixes, newest first, until nothing of ours is left in them. */
  readonly retiring: readonly RetiringPrefix[]
  readonly claims: readonly RememberedClaim[]
}

/** The state of an agent that has never run. */
export const INITIAL_STATE: AgentState = {
  v: 1,
  prefixes: [],
  current: null,
  retiring: [],
  claims: [],
}

const instantSchema = v.pipe(v.number(), v.finite())
const nullableInstantSchema = v.nullable(instantSchema)
const causeSchema = v.picklist(['initial', 'flash', 'planned'])
const addressSchema = canonicalBy<Address>(parseAddress)

const entrySchema = v.strictObject({
  prefix: prefixSchema,
  firstSeen: instantSchema,
  appeared: instantSchema,
  lastRefreshed: instantSchema,
  refreshes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  recentRefreshes: v.array(instantSchema),
  lifetimeMs: nullableInstantSchema,
  preferredUntil: nullableInstantSchema,
  validUntil: nullableInstantSchema,
  isEligible: v.boolean(),
})

/** The schema of a saved state, version 1. */
export const agentStateSchema = v.strictObject({
  v: v.literal(1),
  prefixes: v.array(entrySchema),
  current: v.nullable(
    v.strictObject({ prefix: prefixSchema, cause: causeSchema, since: instantSchema }),
  ),
  retiring: v.array(
    v.strictObject({
      prefix: prefixSchema,
      cause: causeSchema,
      since: instantSchema,
      validUntil: nullableInstantSchema,
    }),
  ),
  claims: v.array(
    v.strictObject({
      name: nameSchema,
      hosts: v.array(addressSchema),
      missingSince: nullableInstantSchema,
    }),
  ),
})

/**
 * Reads a saved state.
 * @throws ReprefixError STATE_CORRUPT naming what is wrong; an agent that started afresh would not know
 * the former prefixes, and leave their addresses behind
 */
export function parseAgentState(value: unknown): AgentState {
  const result = v.safeParse(agentStateSchema, value)
  if (result.success) return result.output
  throw new ReprefixError(
    'STATE_CORRUPT',
    `the saved state is not readable: ${describeIssues(result.issues)}`,
  )
}
