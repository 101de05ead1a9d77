import type { Address } from '../../shared/ipv6.ts'
import { type AgentState, numberingOf } from './agent-state.ts'
import { attachmentKey } from './container-placement.ts'
import type { AttachmentState, Intent, NeighbourSetting, Observed } from './model.ts'
import type { Problem } from './problem.ts'
import type { Step } from './step.ts'
import { findUplink, proxiedUplinks } from './uplinks.ts'

/** An address that the kernel shall answer for on an uplink. */
export interface ProxiedAddress {
  readonly interface: string
  readonly address: Address
}

/** What the kernel's own neighbour proxy shall answer for, of ours. */
export interface DesiredNeighbours {
  readonly entries: readonly ProxiedAddress[]
  /** Uplinks on which proxying has to be switched on. */
  readonly enabled: readonly string[]
}

/**
 * One entry for each address of ours, on the uplink its prefix comes in by: an entry that names a
 * single address can never answer the duplicate address detection of another machine for its own.
 * Former prefixes are answered for until they are drained. Where another backend serves, nothing is
 * desired, and entries of ours are leftovers.
 *
 * Unknown is not empty: entries stay on an uplink whose prefix is not known yet, and where a container
 * is left as it is.
 */
export function desireNeighbours(
  observed: Observed,
  wanted: readonly ProxiedAddress[],
  state: Pick<AgentState, 'uplinks'>,
  intent: Intent,
  refused: ReadonlySet<string>,
): { readonly desired: DesiredNeighbours | null; readonly problems: readonly Problem[] } {
  const { neighbours } = observed
  if (!neighbours) return { desired: null, problems: [] }
  if (intent.proxy !== 'kernel') return { desired: { entries: [], enabled: [] }, problems: [] }
  const proxied = proxiedUplinks(observed, intent)
  const possible = wanted.filter((one) => proxied.some(({ uplink }) => uplink === one.interface))
  const untouchable = refusedAttachments(observed, refused)
  const kept = neighbours.entries.filter(
    (entry) =>
      isUnnumbered(entry.interface, state, intent) ||
      untouchable.some(
        ({ addresses }) =>
          addresses.length === 0 || addresses.some(({ address }) => address === entry.address),
      ),
  )
  const unready = neighbours.settings.filter(
    ({ interface: name, isReady }) => !isReady && possible.some((one) => one.interface === name),
  )
  return {
    desired: {
      entries: [...possible, ...kept],
      enabled: unready.filter(({ isWritable }) => isWritable).map((one) => one.interface),
    },
    problems: unready.filter(({ isWritable }) => !isWritable).map(readOnly),
  }
}

/** The steps to what is desired; an entry that somebody else has made serves as well, and stays. */
export function planNeighbours(
  desired: DesiredNeighbours | null,
  { neighbours }: Observed,
): readonly Step[] {
  if (desired === null || !neighbours) return []
  const key = ({ interface: name, address }: ProxiedAddress) => `${name} ${address}`
  const there = new Set(neighbours.entries.map(key))
  const wanted = new Map(desired.entries.map((entry) => [key(entry), entry]))
  const enable = desired.enabled.map(
    (name): Step => ({ kind: 'neighbour-enable', interface: name }),
  )
  const add = [...wanted.values()]
    .filter((entry) => !there.has(key(entry)))
    .map(({ interface: name, address }): Step => {
      return { kind: 'neighbour-add', interface: name, address }
    })
  const remove = neighbours.entries
    .filter((entry) => entry.isOurs && !wanted.has(key(entry)))
    .map(({ interface: name, address }): Step => {
      return { kind: 'neighbour-remove', interface: name, address }
    })
  return [...enable, ...add, ...remove]
}

/** Also while nothing was seen on it since the state was lost: what is there may be in use. */
function isUnnumbered(name: string, state: Pick<AgentState, 'uplinks'>, intent: Intent): boolean {
  return findUplink(intent, name) !== undefined && numberingOf(state, name).current === null
}

function refusedAttachments(
  { containers }: Observed,
  refused: ReadonlySet<string>,
): readonly AttachmentState[] {
  return containers.flatMap((container) =>
    container.attachments.filter(({ networkId }) =>
      refused.has(attachmentKey(container, networkId)),
    ),
  )
}

function readOnly({ interface: name }: NeighbourSetting): Problem {
  return {
    code: 'PROXY_SETTING_READONLY',
    where: `interface ${name}, kernel neighbour proxy`,
    what: 'it is switched off or delayed, and /proc/sys is read-only for the agent',
    remedy: `run: sysctl -w net.ipv6.conf.${name.replaceAll('.', '/')}.proxy_ndp=1 net.ipv6.neigh.${name.replaceAll('.', '/')}.proxy_delay=0, and put both into /etc/sysctl.d`,
  }
}
