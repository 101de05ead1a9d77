import type { Address, Prefix } from '../../shared/ipv6.ts'

/** An address of one interface inside a container's network namespace. */
export interface ContainerAddress {
  readonly container: string
  readonly pid: number
  readonly interface: string
  readonly address: Address
  readonly length: number
}

/** An address of the host itself, to be deprecated without changing how long it is valid. */
export interface UplinkAddress {
  readonly interface: string
  readonly address: Address
  readonly length: number
  /** Remaining valid lifetime in seconds, `null` is forever. */
  readonly validSeconds: number | null
}

/**
 * One change to the host, idempotent and printable. The kinds in the order in which a pass applies
 * them: each wrong order costs a retransmitted neighbour solicitation, a second.
 */
export type Step =
  | {
      readonly kind: 'firewall-set'
      /** The rules of our chain in `ip6tables -S` form. */
      readonly rules: readonly string[]
      readonly hook: 'DOCKER-USER' | 'FORWARD'
    }
  | {
      readonly kind: 'proxy-set'
      readonly configText: string
      readonly bridges: readonly string[]
      /** False where only the file changes, and the ndppd that runs goes on. */
      readonly restarts: boolean
    }
  /** Lets the kernel answer for the entries of an uplink, and at once. */
  | { readonly kind: 'neighbour-enable'; readonly interface: string }
  | { readonly kind: 'neighbour-add'; readonly interface: string; readonly address: Address }
  | ({
      readonly kind: 'address-add'
      /** The host's bridge: its neighbour entry for the address may be stale and is flushed. */
      readonly bridge: string
    } & ContainerAddress)
  | { readonly kind: 'route-add'; readonly subnet: Prefix; readonly bridge: string }
  | ({
      readonly kind: 'address-deprecate'
      /** Remaining valid lifetime in seconds after which the kernel removes it, `null` is forever. */
      readonly validSeconds: number | null
      /** The kernel has made it from an announcement, and keeps it as one of its own. */
      readonly isLearnt?: boolean
    } & ContainerAddress)
  | ({ readonly kind: 'uplink-deprecate' } & UplinkAddress)
  | ({ readonly kind: 'address-remove' } & ContainerAddress)
  /**
   * Takes the route from another bridge. After the removals: until then that route shows where
   * leftovers of ours can be, also to an agent that was killed in between.
   */
  | { readonly kind: 'route-move'; readonly subnet: Prefix; readonly bridge: string }
  | { readonly kind: 'route-remove'; readonly subnet: Prefix; readonly bridge: string }
  | { readonly kind: 'neighbour-remove'; readonly interface: string; readonly address: Address }

/** The kinds of steps in the order in which they are applied; one kind is one stage. */
export const STAGES = [
  'firewall-set',
  'proxy-set',
  'neighbour-enable',
  'neighbour-add',
  'address-add',
  'route-add',
  'address-deprecate',
  'uplink-deprecate',
  'address-remove',
  'route-move',
  'route-remove',
  'neighbour-remove',
] as const satisfies readonly Step['kind'][]

/** The object a step acts on, as shown in plans, journals and reports. */
export function targetOf(step: Step): string {
  switch (step.kind) {
    case 'firewall-set':
      return step.hook
    case 'proxy-set':
      return `${step.bridges.join(',') || 'no bridge'}${step.restarts ? '' : ', file only'}`
    case 'route-add':
    case 'route-move':
    case 'route-remove':
      return `${step.subnet} dev ${step.bridge}`
    case 'neighbour-enable':
      return `proxy_ndp=1 proxy_delay=0 dev ${step.interface}`
    case 'neighbour-add':
    case 'neighbour-remove':
    case 'uplink-deprecate':
      return `${step.address} dev ${step.interface}`
    default:
      return `${step.container} ${step.address} dev ${step.interface}`
  }
}
