import * as v from 'valibot'
import {
  countSchema,
  digestSchema,
  hostSchema,
  nameSchema,
  prefixSchema,
  type ReadonlyOutput,
  rrTypeSchema,
  timestampSchema,
} from '../../shared/schema.ts'
import { wholePolicySchema } from '../domain/host-policy.ts'
import type { HostRecord } from '../domain/host-record.ts'
import { stalenessOf } from '../domain/staleness.ts'

/** A host as the admin API and `--json` show it. */
export const hostViewSchema = v.object({
  kind: v.literal('host'),
  host: hostSchema,
  status: v.picklist(['invited', 'active', 'revoked']),
  policy: wholePolicySchema,
  addedAt: timestampSchema,
  key: v.nullable(v.object({ kid: digestSchema, enrolledAt: timestampSchema })),
  lastReport: v.nullable(
    v.object({
      index: countSchema,
      at: timestampSchema,
      prefix: prefixSchema,
      agent: v.string(),
      validUntil: v.exactOptional(timestampSchema),
    }),
  ),
  /** See `Staleness`; a cloud of an earlier version does not say. */
  stale: v.optional(
    v.nullable(v.object({ reason: v.picklist(['expired', 'silent']), since: timestampSchema })),
    null,
  ),
  claim: v.array(v.object({ name: nameSchema, type: rrTypeSchema })),
})

/** All hosts. */
export const hostsViewSchema = v.object({ hosts: v.array(hostViewSchema) })

/** A host that may enrol now; `join` holds a secret. */
export const invitationViewSchema = v.object({
  ...hostViewSchema.entries,
  join: v.string(),
  expiresAt: timestampSchema,
})

/** See `hostViewSchema`. */
export type HostView = ReadonlyOutput<typeof hostViewSchema>
/** See `hostsViewSchema`. */
export type HostsView = ReadonlyOutput<typeof hostsViewSchema>
/** See `invitationViewSchema`. */
export type InvitationView = ReadonlyOutput<typeof invitationViewSchema>

/** The view of a host's record, `stale` as `stalenessOf` decides. */
export function hostView(host: HostRecord, nowMs: number, silentAfterMs: number): HostView {
  const { name, status, policy, addedAt, key, lastReport, claim } = host
  return {
    kind: 'host',
    host: name,
    status,
    policy,
    addedAt,
    key: key === undefined ? null : { kid: key.kid, enrolledAt: key.enrolledAt },
    lastReport: lastReport ?? null,
    stale: stalenessOf(host, nowMs, silentAfterMs) ?? null,
    claim: claim.map(({ name, type }) => ({ name, type })),
  }
}
