import type { DockerControl } from '../../agent/adapters/docker.ts'
import type { EndpointRecipe, NetworkRecipe } from '../../agent/domain/docker-recipes.ts'
import { subnetOfPool } from '../../agent/domain/settle-plan.ts'
import { ReprefixError } from '../../shared/errors.ts'
import {
  type Address,
  addressBits,
  addressFromBits,
  addressOf,
  contains,
  type Prefix,
  parseAddress,
} from '../../shared/ipv6.ts'

/** A container of the daemon in memory; its process number stands for the life of its process. */
export interface MemoryContainer {
  readonly id: string
  readonly name: string
  state: 'running' | 'paused' | 'restarting' | 'exited' | 'created'
  /** Why the last try to start it failed. */
  error: string
  readonly pid: number
  readonly networkMode: string
  readonly userMac: string
  readonly networks: Map<string, MemoryEndpoint>
}

interface MemoryEndpoint {
  networkId: string
  readonly recipe: EndpointRecipe
  ipv4: string
  ipv6: string
}

interface MemoryNetwork {
  readonly id: string
  readonly recipe: NetworkRecipe
}

/** What a call that changes something meets. */
export type CallFate = 'works' | 'refused' | 'killed-before' | 'killed-after'

/** A daemon in memory that keeps networks and containers as Docker does, and calls that can be made to fail. */
export function createMemoryDocker() {
  const networks = new Map<string, MemoryNetwork>()
  const containers = new Map<string, MemoryContainer>()
  const calls: string[] = []
  let made = 0
  let isKilled = false
  let fate: (call: string, count: number) => CallFate = () => 'works'

  function refuse(message: string): never {
    throw new ReprefixError('DOCKER_REFUSED', message)
  }

  function byName(name: string): MemoryNetwork | undefined {
    return [...networks.values()].find(({ id, recipe }) => recipe.Name === name || id === name)
  }

  function containerOf(id: string): MemoryContainer {
    return containers.get(id) ?? refuse(`no such container ${id}`)
  }

  const isLive = ({ state }: MemoryContainer) => state === 'running' || state === 'paused'

  function livesOn({ id }: MemoryNetwork): readonly MemoryEndpoint[] {
    return [...containers.values()]
      .filter(isLive)
      .flatMap((container) => [...container.networks.values()])
      .filter(({ networkId }) => networkId === id)
  }

  function pool(network: MemoryNetwork, isWanted: (subnet: string) => boolean) {
    return network.recipe.IPAM.Config.find(({ Subnet }) => isWanted(Subnet))
  }

  function allocateIpv6(network: MemoryNetwork, asked: string | undefined): string {
    const found = pool(network, (subnet) => subnet.includes(':'))
    if (found === undefined) return ''
    const subnet: Prefix = subnetOfPool(found)
    const taken = livesOn(network).map(({ ipv6 }) => ipv6)
    if (asked !== undefined) {
      if (!contains(subnet, parseAddress(asked))) refuse(`${asked} does not belong to any subnet`)
      if (taken.includes(asked)) refuse('Address already in use')
      return asked
    }
    for (let host = 2n; ; host++) {
      const address: Address = addressFromBits(addressBits(addressOf(subnet)) + host)
      if (!taken.includes(address)) return address
    }
  }

  function allocateIpv4(network: MemoryNetwork, asked: string | undefined): string {
    const found = pool(network, (subnet) => !subnet.includes(':'))
    if (found === undefined) return ''
    const taken = livesOn(network).map(({ ipv4 }) => ipv4)
    if (asked !== undefined) return taken.includes(asked) ? refuse('Address already in use') : asked
    for (let host = 2; ; host++) {
      const address = found.Subnet.replace(/\.0\/\d+$/, `.${host}`)
      if (!taken.includes(address)) return address
    }
  }

  function attach(network: MemoryNetwork, container: MemoryContainer, recipe: EndpointRecipe) {
    if (container.networks.has(network.recipe.Name)) refuse('endpoint already exists in network')
    if (!isLive(container)) {
      container.networks.set(network.recipe.Name, { networkId: '', recipe, ipv4: '', ipv6: '' })
      return
    }
    const ipv4 = allocateIpv4(network, recipe.IPAMConfig?.IPv4Address)
    const ipv6 = allocateIpv6(network, recipe.IPAMConfig?.IPv6Address)
    container.networks.set(network.recipe.Name, { networkId: network.id, recipe, ipv4, ipv6 })
  }

  async function change<T>(call: string, work: () => T): Promise<T> {
    await Promise.resolve()
    if (isKilled) throw new Error('killed')
    made += 1
    const what = fate(call, made)
    if (what === 'refused') refuse(`${call}: no`)
    if (what === 'killed-before') {
      isKilled = true
      throw new Error('killed')
    }
    calls.push(call)
    const result = work()
    if (what === 'killed-after') {
      isKilled = true
      throw new Error('killed')
    }
    return result
  }

  async function read<T>(work: () => T): Promise<T> {
    await Promise.resolve()
    if (isKilled) throw new Error('killed')
    return work()
  }

  const control: DockerControl = {
    readInfo: () => read(() => ({ ServerVersion: '20.10.24', LiveRestoreEnabled: false })),
    inspectNetwork: (name) =>
      read(() => {
        const network = byName(name)
        return network === undefined ? null : { Id: network.id, Scope: 'local', ...network.recipe }
      }),
    listNetworks: () =>
      read(() => [...networks.values()].map(({ id, recipe }) => ({ Id: id, ...recipe }))),
    listAttached: (name) =>
      read(() =>
        [...containers.values()]
          .filter((one) => one.networks.has(name))
          .map(({ id }) => ({ Id: id })),
      ),
    inspectContainer: (id) =>
      read(() => {
        const container = containers.get(id)
        return container === undefined ? null : renderContainer(container)
      }),
    createNetwork: (recipe) =>
      change(`create ${recipe.Name}`, () => {
        if (byName(recipe.Name) !== undefined) refuse(`network ${recipe.Name} already exists`)
        const id = `${made}`.padStart(64, 'e')
        networks.set(id, { id, recipe })
      }),
    removeNetwork: (id) =>
      change(`remove ${byName(id)?.recipe.Name}`, () => {
        const network = byName(id) ?? refuse('no such network')
        if (livesOn(network).length > 0) refuse('network has active endpoints')
        networks.delete(network.id)
      }),
    connect: (name, id, recipe) =>
      change(`connect ${containers.get(id)?.name}`, () =>
        attach(byName(name) ?? refuse(`no such network ${name}`), containerOf(id), recipe),
      ),
    disconnect: (name, id) =>
      change(`disconnect ${containers.get(id)?.name}`, () => {
        const container = containerOf(id)
        if (container.state === 'restarting') refuse('container is not connected')
        if (!container.networks.delete(name)) refuse('container is not connected')
      }),
    stop: (id) =>
      change(`stop ${containers.get(id)?.name}`, () => {
        containerOf(id).state = 'exited'
      }),
    start: (id) =>
      change(`start ${containers.get(id)?.name}`, () => {
        start(containerOf(id))
      }),
  }

  function start(container: MemoryContainer): void {
    if (isLive(container)) return
    for (const [name, endpoint] of container.networks) {
      const network = byName(name) ?? refuse(`network ${name} not found`)
      const isStale = endpoint.networkId !== '' && endpoint.networkId !== network.id
      if (isStale) refuse(`network ${endpoint.networkId} not found`)
      endpoint.ipv4 = allocateIpv4(network, endpoint.recipe.IPAMConfig?.IPv4Address)
      endpoint.ipv6 = allocateIpv6(network, endpoint.recipe.IPAMConfig?.IPv6Address)
      endpoint.networkId = network.id
    }
    container.state = 'running'
    container.error = ''
  }

  return {
    control,
    calls,
    containers,
    networks,
    /** Makes a container with a place on a network, in any state. */
    add: (
      name: string,
      network: string,
      recipe: EndpointRecipe = {},
      more: Partial<Pick<MemoryContainer, 'state' | 'networkMode' | 'userMac'>> = {},
    ): MemoryContainer => {
      const id = `${containers.size + 1}`.padStart(64, 'c')
      const container: MemoryContainer = {
        id,
        name,
        state: 'running',
        error: '',
        pid: 1000 + containers.size,
        networkMode: network,
        userMac: '',
        ...more,
        networks: new Map(),
      }
      containers.set(id, container)
      const place = byName(network)
      if (place !== undefined) attach(place, container, recipe)
      if (container.state === 'exited' || container.state === 'restarting') {
        for (const endpoint of container.networks.values()) endpoint.networkId = place?.id ?? ''
      }
      return container
    },
    start,
    decide: (next: typeof fate) => {
      made = 0
      fate = next
    },
    revive: () => {
      isKilled = false
      fate = () => 'works'
    },
  }
}

function renderContainer(container: MemoryContainer) {
  const { id, name, state, error, networkMode, userMac } = container
  return {
    Id: id,
    Name: `/${name}`,
    State: {
      Status: state,
      Running: state === 'running' || state === 'paused' || state === 'restarting',
      Restarting: state === 'restarting',
      Paused: state === 'paused',
      Error: error,
    },
    Config: { MacAddress: userMac },
    HostConfig: { NetworkMode: networkMode },
    NetworkSettings: {
      Networks: Object.fromEntries(
        [...container.networks].map(([network, { networkId, recipe, ipv4, ipv6 }]) => [
          network,
          {
            ...recipe,
            // Docker before 25 adds the short id by itself.
            Aliases: [...(recipe.Aliases ?? []), id.slice(0, 12)],
            NetworkID: networkId,
            IPAddress: ipv4,
            GlobalIPv6Address: ipv6,
            MacAddress: '',
          },
        ]),
      ),
    },
  }
}
