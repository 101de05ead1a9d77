import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import * as v from 'valibot'
import { ReprefixError } from '../../shared/errors.ts'
import { describeIssues } from '../../shared/issue.ts'
import { hostSchema } from '../../shared/schema.ts'
import { type HostPolicy, hostPolicySchema, policyChangeSchema } from '../domain/host-policy.ts'
import type { HostRecord } from '../domain/host-record.ts'
import type { FleetDeps, HostChange } from '../fleet/hosts.ts'
import { requireBearer } from './bearer.ts'
import { type HostsView, type HostView, hostView, type InvitationView } from './host-view.ts'
import { problemResponse } from './problem-response.ts'
import { readBody } from './read-body.ts'

const MAX_REQUEST_BYTES = 65_536

/** What the operator's routes need. */
export interface HostRoutesDeps extends FleetDeps {
  readonly adminToken: string
  /** After how long a host that says nothing is stale, in milliseconds. */
  readonly silentAfterMs: number
}

/** The request that adds a host. */
export const additionSchema = v.strictObject({ host: hostSchema, policy: hostPolicySchema })

/** Loaded when an operator changes something. */
const loadFleet = () => import('../fleet/hosts.ts')

/** The operator's side: hosts, their policies and their join strings. */
export function hostRoutes(deps: HostRoutesDeps): Hono {
  const view = (host: HostRecord) => hostView(host, deps.now().getTime(), deps.silentAfterMs)
  const answer = (c: Context, change: HostChange): Response =>
    change.kind === 'refused' ? problemResponse(c, change) : c.json<HostView>(view(change.host))
  return new Hono()
    .use(requireBearer(deps.adminToken))
    .get('/', async (c) => {
      const hosts = await deps.repository.hosts()
      return c.json<HostsView>({ hosts: hosts.map(view) })
    })
    .post('/', async (c) => {
      const { host, policy } = await readJson(c, additionSchema)
      const { inviteHost } = await loadFleet()
      const invited = await inviteHost(host, policy, deps)
      if (invited.kind === 'refused') return problemResponse(c, invited)
      const { join, expiresAt } = invited
      const invitation: InvitationView = { ...view(invited.host), join, expiresAt }
      return c.json(invitation, 201)
    })
    .get('/:host', async (c) => {
      const name = c.req.param('host')
      const host = await deps.repository.host(name)
      if (host !== undefined) return c.json<HostView>(view(host))
      const { unknownHost } = await loadFleet()
      return problemResponse(c, unknownHost(name))
    })
    .patch('/:host', async (c) => {
      const given = await readJson(c, v.unknown())
      const apply = (policy: HostPolicy) => changed(policy, given)
      const { changePolicy } = await loadFleet()
      return answer(c, await changePolicy(c.req.param('host'), apply, deps))
    })
    .post('/:host/revoke', async (c) => {
      const { revokeHost } = await loadFleet()
      return answer(c, await revokeHost(c.req.param('host'), deps))
    })
}

/** Members that are given replace those of the policy; the result must be a whole valid policy. */
function changed(policy: HostPolicy, given: unknown): HostPolicy {
  const change = parse(policyChangeSchema, given)
  // The schema library takes a list for an object without keys.
  if (Object.keys(change).length === 0) {
    throw new ReprefixError('REQUEST_INVALID', 'names nothing to change')
  }
  return parse(hostPolicySchema, { ...policy, ...change })
}

async function readJson<S extends v.GenericSchema>(
  c: Context,
  schema: S,
): Promise<v.InferOutput<S>> {
  const text = await readBody(c.req.raw, 'application/json', MAX_REQUEST_BYTES)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new ReprefixError('REQUEST_INVALID', 'the body is not JSON', { cause })
  }
  return parse(schema, value)
}

function parse<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  throw new ReprefixError('REQUEST_INVALID', describeIssues(result.issues))
}
