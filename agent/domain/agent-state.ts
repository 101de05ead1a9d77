import * as v from 'valibot'
import { ReprefixError } from '../../shared/errors.ts'
import { type Address, type Prefix, parseAddress } from '../../shared/ipv6.ts'
import { describeIssues } from '../../shared/issue.ts'
import { canonicalBy, nameSchema, prefixSchema } from '../../shared/schema.ts'
import type { RememberedClaim } from './claims.ts'
import { type Numbering, UNNUMBERED } from './numbering.ts'

/**
 * What the agent remembers between passes and restarts; everything else is read again. It is saved
 * before the first change of a pass, so that whatever a killed pass has left behind is recognised.
 */
export interface AgentState {
  readonly v: 2
  /** Interface → how its networks are numbered. */
  readonly uplinks: Readonly<Record<string, Numbering>>
  readonly claims: readonly RememberedClaim[]
  /** Subnets of ours on networks where no route of the host shows them; absent where there are none. */
  readonly lan?: readonly RememberedSubnet[]
}

/** A subnet in which containers of one network have addresses of ours. */
export interface RememberedSubnet {
  readonly networkId: string
  readonly subnet: Prefix
}

/** The state of an agent that has never run. */
export const INITIAL_STATE: AgentState = { v: 2, uplinks: {}, claims: [] }

/** How the networks of one uplink are numbered. */
export function numberingOf({ uplinks }: Pick<AgentState, 'uplinks'>, uplink: string): Numbering {
  return (Object.hasOwn(uplinks, uplink) ? uplinks[uplink] : undefined) ?? UNNUMBERED
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
  // Earlier builds did not say.
  lastNoticed: v.exactOptional(instantSchema, 0),
  refreshes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  recentRefreshes: v.array(instantSchema),
  lifetimeMs: nullableInstantSchema,
  preferredUntil: nullableInstantSchema,
  validUntil: nullableInstantSchema,
  isEligible: v.boolean(),
})

const numberingEntries = {
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
  severalUntil: v.exactOptional(nullableInstantSchema),
}

const claimedHosts = { hosts: v.array(addressSchema), missingSince: nullableInstantSchema }

/** A saved state of version 1, which knew a single uplink and did not name it. */
const stateSchema1 = v.strictObject({
  v: v.literal(1),
  ...numberingEntries,
  claims: v.array(v.strictObject({ name: nameSchema, ...claimedHosts })),
})

/** A saved state, version 2. */
const stateSchema2 = v.strictObject({
  v: v.literal(2),
  uplinks: v.record(v.string(), v.strictObject(numberingEntries)),
  claims: v.array(v.strictObject({ name: nameSchema, uplink: v.string(), ...claimedHosts })),
  lan: v.exactOptional(v.array(v.strictObject({ networkId: v.string(), subnet: prefixSchema }))),
})

/**
 * Reads a saved state; one of version 1 becomes that of the main uplink.
 * @throws ReprefixError STATE_CORRUPT naming what is wrong; an agent that started afresh would not know
 * the former prefixes, and leave their addresses behind
 */
export function parseAgentState(value: unknown, mainUplink: string): AgentState {
  const result = v.safeParse(v.variant('v', [stateSchema1, stateSchema2]), value)
  if (!result.success) {
    throw new ReprefixError(
      'STATE_CORRUPT',
      `the saved state is not readable: ${describeIssues(result.issues)}`,
    )
  }
  if (result.output.v === 2) return result.output
  const { v: _, claims, ...numbering } = result.output
  return {
    v: 2,
    uplinks: { [mainUplink]: numbering },
    claims: claims.map(({ name, ...rest }) => ({ name, uplink: mainUplink, ...rest })),
  }
}
