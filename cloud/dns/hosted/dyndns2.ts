import { isAtOrBelow } from '../../../shared/rrset.ts'
import { VERSION } from '../../../shared/version.ts'
import { type Capabilities, type Change, ProviderError } from '../../domain/dns-provider.ts'
import { createHostMemory, type HostState } from '../host-memory.ts'
import { createHostedProvider, describeEdits, type HeldEdit } from '../hosted-provider.ts'
import type { RateRule } from '../http/request-budget.ts'
import { connect, defineProvider, HOSTED } from '../provider-type.ts'
import { complaintOfText } from './dyndns2-answer.ts'
import { groupMoves, prefixOfMove } from './dyndns2-prefix.ts'
import type { Dyndns2Service, HostAddresses } from './dyndns2-services.ts'
import { accountOf, settings } from './dyndns2-settings.ts'

/** The services choose a TTL, most of them this one. */
const TTL = 60
const caps: Capabilities = {
  ...HOSTED,
  types: ['A', 'AAAA'],
  granularity: 'host',
  readable: false,
  removes: false,
  ttl: { min: TTL, max: TTL },
  txt: { maxBytes: 0, quotes: false },
  publish: 'delayed',
}
/** None of them says how often; hosts are blocked for more than a few updates an hour. */
const limits: readonly RateRule[] = [{ count: 60, perMs: 60_000 }]

type Edit = HeldEdit<null>

export const dyndns2 = defineProvider({
  settings,
  title: 'dyndns2',
  tier: 1,
  docs: 'https://help.dyn.com/remote-access-api/',
  warning:
    'takes updates only: what it holds is asked of DNS, and most of these services remove nothing',
  caps,
  limits,
  create(id, entry, dependencies) {
    const { zone, contact } = entry
    const { service, headers, ...credential } = accountOf(entry)
    const agent = `reprefix/${VERSION}${contact === undefined ? '' : ` ${contact}`}`
    const hosted = connect(
      {
        service: new URL(service.url).hostname,
        baseUrl: service.url,
        answers: 'text',
        // Whoever does not say what it is gets blocked.
        headers: { ...headers, 'user-agent': agent },
        ...credential,
        complaint: complaintOfText,
      },
      service.limits ?? limits,
      dependencies,
    )
    const memory = createHostMemory(dependencies.now)

    const hostOf = (edits: readonly Edit[]) => edits[0]?.change.name ?? zone
    /** Both families of the host, also the one that does not change. */
    function stateAfter(edits: readonly Edit[]): HostState {
      const pick = (type: keyof HostState) => {
        const edit = edits.find(({ change }) => change.type === type)
        return edit === undefined ? memory.last(hostOf(edits))[type] : (edit.after?.values ?? [])
      }
      return { A: pick('A'), AAAA: pick('AAAA') }
    }
    const canBe = (edits: readonly Edit[]) =>
      edits.every(({ after }) => after !== null) ||
      service.removes?.(addressesOf(stateAfter(edits))) === true

    /** What goes into the requests for one host. */
    function partHost(edits: readonly Edit[]): readonly (readonly Edit[])[] {
      if (service.isApart === true) return edits.map((edit) => [edit])
      if (canBe(edits)) return [edits]
      // What cannot go stays, and is no reason to keep the rest back.
      const stays = edits.filter(({ after }) => after === null)
      const moves = edits.filter(({ after }) => after !== null)
      return [...(moves.length === 0 ? [] : [moves]), ...stays.map((edit) => [edit])]
    }

    return createHostedProvider<null>(
      id,
      {
        caps: {
          ...caps,
          removes: service.removes?.({ A: '192.0.2.1' }) ?? false,
          prefixUpdate: service.move !== undefined,
        },
        zone: async (name) => (name === zone ? { name, id: name } : undefined),
        refuse: (change) => faultOf(change, service),
        async held(_, keys) {
          const lookup = await dependencies.lookup(zone)
          const hosts = [...new Set(keys.map(({ name }) => name))]
          const sets = await Promise.all(
            hosts.map(async (name) => {
              const [A, AAAA] = await Promise.all([lookup(name, 'A'), lookup(name, 'AAAA')])
              const state = memory.believe(name, { A, AAAA })
              return (['A', 'AAAA'] as const).flatMap((type) =>
                state[type].length === 0
                  ? []
                  : [{ key: { name, type }, ttls: [TTL], values: state[type], detail: null }],
              )
            }),
          )
          return sets.flat()
        },
        // A host that is not known, or blocked, is that for both families.
        isIndivisible: (edits) => byHost(edits).length === 1,
        pack(edits) {
          const hosts = byHost(edits)
          const { moves, others } =
            service.move === undefined ? { moves: [], others: hosts } : groupMoves(hosts)
          return [...moves, ...others.flatMap(partHost)]
        },
        async write(at, edits, send) {
          const what = describeEdits(at, edits)
          const [first] = edits
          const prefix = first && byHost(edits).length > 1 ? prefixOfMove(first) : undefined
          if (service.move !== undefined && prefix !== undefined) {
            const hosts = edits.map(({ change }) => change.name)
            await send({ path: '', query: service.move(hosts, prefix), what })
            for (const edit of edits) memory.wrote(edit.change.name, stateAfter([edit]))
            return
          }
          if (!canBe(edits)) {
            throw new ProviderError(
              'invalid',
              `nothing was sent for ${what}: the service removes no address of a host, do it on its web site`,
            )
          }
          const host = hostOf(edits)
          const state = stateAfter(edits)
          const told = service.isApart === true ? onlyOf(edits, state) : addressesOf(state)
          await send({ path: '', query: service.query(host, told), what })
          memory.wrote(host, state)
        },
      },
      hosted,
    )
  },
})

function faultOf({ name, type, set }: Change, { parent }: Dyndns2Service): string | undefined {
  if (type === 'TXT' && (set?.values.length ?? 0) > 0) return 'takes addresses only'
  if ((set?.values.length ?? 0) > 1) return 'takes one address of each family'
  if (name.startsWith('*.')) return 'takes no wildcards'
  if (parent === undefined) return undefined
  const isOwn = isAtOrBelow(name, parent) && name.split('.').length === parent.split('.').length + 1
  return isOwn ? undefined : `has names right below ${parent} only`
}

/** The edits of one host together. */
function byHost(edits: readonly Edit[]): readonly (readonly Edit[])[] {
  const hosts = [...new Set(edits.map(({ change }) => change.name))]
  return hosts.map((host) => edits.filter(({ change }) => change.name === host))
}

function addressesOf({ A: [A], AAAA: [AAAA] }: HostState): HostAddresses {
  return { A, AAAA }
}

function onlyOf(edits: readonly Edit[], state: HostState): HostAddresses {
  const { A, AAAA } = addressesOf(state)
  return edits[0]?.change.type === 'A' ? { A } : { AAAA }
}
