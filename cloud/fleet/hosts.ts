import { encodeBase64url } from '../../shared/base64.ts'
import { renderJoin } from '../../shared/join.ts'
import { deriveMacKey } from '../../shared/jws.ts'
import type { HostPolicy } from '../domain/host-policy.ts'
import type { HostRecord } from '../domain/host-record.ts'
import type { AuditLog, JoinToken, Repository, StateWrite } from '../ports.ts'
import { type Refusal, refused } from '../report-answer.ts'

/** What the operator's changes are written to, and what a join string says. */
export interface FleetDeps {
  readonly repository: Repository
  readonly log: AuditLog
  /** Public URL of the cloud. */
  readonly url: string
  /** The log's public key, which the host will pin. */
  readonly vkey: string
  readonly now: () => Date
  readonly randomBytes: (count: number) => Uint8Array
}

/** How long a join string can be used. */
const JOIN_LIFETIME_MS = 24 * 3_600_000

const TOKEN_ID_BYTES = 12
const SECRET_BYTES = 16

/** A host that may enrol now. `join` holds the secret and exists nowhere else. */
export type Invitation =
  | {
      readonly kind: 'invited'
      readonly host: HostRecord
      readonly join: string
      readonly expiresAt: string
    }
  | Refusal

/**
 * Adds a host, or invites a revoked one anew, and makes its join string: the only time the token's
 * secret exists here. The policy is logged.
 */
export async function inviteHost(
  name: string,
  policy: HostPolicy,
  deps: FleetDeps,
): Promise<Invitation> {
  const id = encodeBase64url(deps.randomBytes(TOKEN_ID_BYTES))
  const secret = deps.randomBytes(SECRET_BYTES)
  const macKey = await deriveMacKey(secret)
  const expiresAt = new Date(deps.now().getTime() + JOIN_LIFETIME_MS).toISOString()
  const token: JoinToken = { id, host: name, macKey, expiresAt }
  let invited: HostRecord | undefined
  await deps.log.append(async (_index, state) => {
    const existing = await state.host(name)
    invited = undefined
    if (existing !== undefined && existing.status !== 'revoked') return null
    const at = deps.now().toISOString()
    invited = {
      name,
      version: existing?.version ?? 1,
      status: 'invited',
      policy,
      addedAt: at,
      invitation: id,
      // Records of the former life stay this host's to withdraw.
      claim: existing?.claim ?? [],
    }
    const write: StateWrite = {
      kind: existing === undefined ? 'create-host' : 'update-host',
      host: invited,
    }
    return {
      entry: { v: 1, kind: 'policy', at, host: name, policy: { ...policy } },
      writes: [write, { kind: 'create-token', token }],
    }
  })
  if (invited === undefined) {
    const remedy = `choose another name, or run "reprefix host revoke ${name}" first`
    return refused('HOST_EXISTS', `the host ${name} exists already; ${remedy}`)
  }
  const join = renderJoin({ url: deps.url, vkey: deps.vkey, token: id, secret })
  return { kind: 'invited', host: invited, join, expiresAt }
}

/** A host after a change. */
export type HostChange = { readonly kind: 'changed'; readonly host: HostRecord } | Refusal

/** Replaces a host's policy from its next report on. What it claims now stays as it is. */
export async function changePolicy(
  name: string,
  change: (policy: HostPolicy) => HostPolicy,
  deps: FleetDeps,
): Promise<HostChange> {
  let changed: HostRecord | undefined
  await deps.log.append(async (_index, state) => {
    const host = await state.host(name)
    if (host === undefined) return null
    changed = { ...host, policy: change(host.policy) }
    const at = deps.now().toISOString()
    return {
      entry: { v: 1, kind: 'policy', at, host: name, policy: { ...changed.policy } },
      writes: [{ kind: 'update-host', host: changed }],
    }
  })
  return changed === undefined ? unknownHost(name) : { kind: 'changed', host: changed }
}

/**
 * Takes away a host's key, or makes its join string void. Its records stay in DNS as they are; its
 * names are free for another host. Doing it again changes nothing.
 */
export async function revokeHost(name: string, deps: FleetDeps): Promise<HostChange> {
  const found = await deps.repository.host(name)
  if (found === undefined) return unknownHost(name)
  let revoked = found
  const writesFor = ({ invitation: _, ...host }: HostRecord): StateWrite[] => {
    revoked = { ...host, status: 'revoked' }
    const names = [...new Set(host.claim.map((key) => key.name))]
    return [
      { kind: 'update-host', host: revoked },
      { kind: 'release-names', host: name, names },
    ]
  }
  await deps.log.append(async (_index, state) => {
    const host = await state.host(name)
    if (host === undefined || host.status === 'revoked') return null
    const at = deps.now().toISOString()
    const entry =
      host.key === undefined
        ? // There is no key yet: what is logged is that nothing is permitted any more.
          ({ v: 1, kind: 'policy', at, host: name, policy: { ...host.policy, names: [] } } as const)
        : ({ v: 1, kind: 'revoke', at, host: name, kid: host.key.kid } as const)
    return { entry, writes: writesFor(host) }
  })
  return { kind: 'changed', host: revoked }
}

/** The refusal for a host that is not there. */
export function unknownHost(name: string): Refusal {
  return refused('HOST_UNKNOWN', `there is no host ${name}; "reprefix host list" shows them`)
}
