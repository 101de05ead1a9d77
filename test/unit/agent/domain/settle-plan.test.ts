import { describe, expect, it } from 'vitest'
import type { NetworkRecipe, PoolRecipe } from '../../../../agent/domain/docker-recipes.ts'
import { staleNetworks } from '../../../../agent/domain/settle-need.ts'
import {
  planSettle,
  type SettleEndpoint,
  type SettleNetwork,
  type SettleRequest,
  staleSubnet,
} from '../../../../agent/domain/settle-plan.ts'
import { parseAddress, parsePrefix } from '../../../../shared/ipv6.ts'
import { attachment, container, INTENT, NOW, network, observed, P1, P2 } from './host-simulator.ts'

const FROM = parsePrefix('2001:db8:1:1:1::/80')
const TO = parsePrefix('2001:db8:2:2:1::/80')
const ID = 'ab'.repeat(32)
const IPV4: PoolRecipe = { Subnet: '172.30.0.0/24', IPRange: '172.30.0.128/25' }

function settleNetwork(pool: Partial<PoolRecipe>, more: Partial<SettleNetwork> = {}) {
  const recipe: NetworkRecipe = {
    Name: 'web',
    CheckDuplicate: true,
    Driver: 'bridge',
    Internal: false,
    Attachable: false,
    EnableIPv6: true,
    IPAM: { Driver: 'default', Options: {}, Config: [IPV4, { Subnet: FROM, ...pool }] },
    Options: { 'com.docker.network.driver.mtu': '1400' },
    Labels: { 'com.docker.compose.config-hash': 'abc' },
  }
  const base = { id: ID, scope: 'local', isIngress: false, configFrom: '', isConfigOnly: false }
  return { ...base, recipe, ...more }
}

function endpoint(more: Partial<SettleEndpoint> = {}): SettleEndpoint {
  return {
    containerId: 'c1',
    containerName: 'one',
    isRunning: true,
    isRestarting: false,
    networkMode: 'web',
    userMac: null,
    ipv4: '172.30.0.2',
    ipv6: parseAddress('2001:db8:1:1:1::2'),
    mac: '02:42:ac:1e:00:02',
    recipe: {},
    ...more,
  }
}

function plan(more: Partial<SettleRequest> = {}) {
  const result = planSettle({
    network: settleNetwork({}),
    endpoints: [endpoint()],
    otherSubnets: [],
    from: FROM,
    to: TO,
    dockerMajor: 20,
    ...more,
  })
  return {
    problems: 'problems' in result ? result.problems : [],
    pools: 'plan' in result ? result.plan.after.IPAM.Config : [],
    attachments: 'plan' in result ? result.plan.attachments : [],
    plan: 'plan' in result ? result.plan : undefined,
  }
}

describe('the network made anew', () => {
  it('has the new subnet, and everything else as it was', () => {
    const made = plan().plan
    expect(made?.after).toEqual({
      ...made?.before,
      IPAM: { Driver: 'default', Options: {}, Config: [IPV4, { Subnet: TO }] },
    })
  })

  it('keeps gateway, range and reserved addresses at their host bits', () => {
    const pool = {
      Gateway: '2001:db8:1:1:1::ff',
      IPRange: '2001:db8:1:1:1:8000::/81',
      AuxiliaryAddresses: { router: '2001:db8:1:1:1::53' },
    }
    expect(plan({ network: settleNetwork(pool) }).pools[1]).toEqual({
      Subnet: TO,
      Gateway: '2001:db8:2:2:1::ff',
      IPRange: '2001:db8:2:2:1:8000::/81',
      AuxiliaryAddresses: { router: '2001:db8:2:2:1::53' },
    })
  })

  it('keeps a second subnet that never changes', () => {
    const base = settleNetwork({})
    const ula = { Subnet: 'fd00:1::/80' }
    const recipe = {
      ...base.recipe,
      IPAM: { ...base.recipe.IPAM, Config: [...base.recipe.IPAM.Config, ula] },
    }
    expect(plan({ network: { ...base, recipe } }).pools).toEqual([IPV4, { Subnet: TO }, ula])
  })

  it('recognises a subnet that was typed with host bits', () => {
    const network = settleNetwork({ Subnet: '2001:db8:1:1:1::1/80' })
    expect(plan({ network }).pools[1]).toEqual({ Subnet: TO })
  })
})

describe('a container put back', () => {
  it.each([
    ['running/chosen-by-docker', {}, '172.30.0.2', '2001:db8:2:2:1::2', false],
    [
      'stopped/chosen-by-docker',
      { isRunning: false, ipv4: null, ipv6: null },
      undefined,
      undefined,
      false,
    ],
    [
      'stopped/fixed',
      {
        isRunning: false,
        ipv4: null,
        ipv6: null,
        recipe: { IPAMConfig: { IPv4Address: '172.30.0.9', IPv6Address: '2001:db8:1:1:1::9' } },
      },
      '172.30.0.9',
      '2001:db8:2:2:1::9',
      true,
    ],
    [
      'running/fixed-in-another-subnet',
      { recipe: { IPAMConfig: { IPv6Address: 'fd00:1::9' } } },
      '172.30.0.2',
      'fd00:1::9',
      true,
    ],
  ] as const)('%s', (_, more, IPv4Address, IPv6Address, isFixed) => {
    const [one] = plan({ endpoints: [endpoint(more)] }).attachments
    expect(one?.isFixed).toBe(isFixed)
    expect(one?.after.IPAMConfig?.IPv4Address).toBe(IPv4Address)
    expect(one?.after.IPAMConfig?.IPv6Address).toBe(IPv6Address)
  })

  it('keeps aliases, links, driver options, priority and link-local addresses', () => {
    const recipe = {
      IPAMConfig: { LinkLocalIPs: ['169.254.1.1'] },
      Aliases: ['web', 'w'],
      Links: ['db:database'],
      DriverOpts: { 'com.docker.network.endpoint.sysctls': 'x' },
      GwPriority: 100,
    }
    const [one] = plan({ endpoints: [endpoint({ recipe })] }).attachments
    expect(one?.after).toMatchObject(recipe)
  })

  it.each([
    [20, null, undefined],
    [26, null, undefined],
    [24, '02:00:00:00:00:07', '02:00:00:00:00:07'],
    [29, null, '02:42:ac:1e:00:02'],
    [null, '02:00:00:00:00:07', '02:00:00:00:00:07'],
  ])('on Docker %s with the wish %s asks for the MAC address %s', (dockerMajor, userMac, mac) => {
    const [one] = plan({ dockerMajor, endpoints: [endpoint({ userMac })] }).attachments
    expect(one?.after.MacAddress).toBe(mac)
  })
})

describe('a settle is refused', () => {
  it.each([
    ['network/swarm', { network: settleNetwork({}, { scope: 'swarm' }) }, 'swarm'],
    ['network/ingress', { network: settleNetwork({}, { isIngress: true }) }, 'swarm'],
    ['network/config-only', { network: settleNetwork({}, { isConfigOnly: true }) }, 'only a'],
    ['network/config-from', { network: settleNetwork({}, { configFrom: 'c' }) }, 'network c'],
    [
      'network/overlap',
      { otherSubnets: [{ network: 'iot', subnet: parsePrefix('2001:db8:2:2::/64') }] },
      'network iot',
    ],
    ['endpoint/by-id/26', { dockerMajor: 26, endpoints: [endpoint({ networkMode: ID })] }, 'by id'],
    [
      'endpoint/by-short-id/29',
      { dockerMajor: 29, endpoints: [endpoint({ networkMode: ID.slice(0, 12) })] },
      'by id',
    ],
    ['endpoint/mac/26', { dockerMajor: 26, endpoints: [endpoint({ userMac: '02::' })] }, 'MAC'],
    ['endpoint/mac/28', { dockerMajor: 28, endpoints: [endpoint({ userMac: '02::' })] }, 'MAC'],
  ] satisfies [string, Partial<SettleRequest>, string][])('%s', (_, request, reason) => {
    const { problems } = plan(request)
    expect(problems).toMatchObject([{ code: 'SETTLE_REFUSED' }])
    expect(problems[0]?.what).toContain(reason)
  })

  it('for other drivers than those whose networks are numbered', () => {
    const driven = (Driver: string) => {
      const network = settleNetwork({})
      return plan({ network: { ...network, recipe: { ...network.recipe, Driver } } })
    }
    expect(driven('overlay').problems).toMatchObject([{ what: 'it is a overlay network' }])
    for (const driver of ['macvlan', 'ipvlan']) {
      const { problems, plan: made } = driven(driver)
      expect(problems).toEqual([])
      expect(made?.after.Driver).toBe(driver)
    }
  })

  it('where two containers would get one address in a smaller subnet', () => {
    const from = parsePrefix('2001:db8:1:1::/64')
    const at = (name: string, address: string) =>
      endpoint({ containerId: name, containerName: name, ipv6: parseAddress(address) })
    const { problems } = plan({
      from,
      network: settleNetwork({ Subnet: from }),
      endpoints: [at('a', '2001:db8:1:1:1::2'), at('b', '2001:db8:1:1:2::2')],
    })
    expect(problems).toMatchObject([{ what: expect.stringContaining('of container a') }])
  })

  it.each([
    ['by name, on a new Docker', 29, endpoint()],
    ['by id, on an old Docker', 20, endpoint({ networkMode: ID })],
  ])('but not %s', (_, dockerMajor, one) => {
    expect(plan({ dockerMajor, endpoints: [one] }).problems).toEqual([])
  })
})

describe('what needs settling', () => {
  it.each([
    ['former', ['2001:db8:1:1:1::/80'], '2001:db8:1:1:1::/80'],
    ['current', ['2001:db8:2:2:1::/80'], undefined],
    ['stable base', ['fd00:1::/80'], undefined],
    ['no IPv6', [], undefined],
    ['both', ['fd00:1::/80', '2001:db8:1:1:1::/80'], '2001:db8:1:1:1::/80'],
  ])('%s', (_, subnets, expected) => {
    const own = { subnets: subnets.map(parsePrefix) }
    expect(staleSubnet(own, P2, INTENT.within)).toBe(expected)
  })

  it('is found with its new subnet, and whether a container runs there', () => {
    const numbered = { current: { prefix: P2, cause: 'flash', since: NOW } } as const
    const state = {
      v: 2,
      uplinks: { eth0: { ...numbered, prefixes: [], retiring: [] } },
      claims: [],
    } as const
    const world = observed({
      networks: [network('web', { subnets: [parsePrefix('2001:db8:1:1:1::/80')] })],
      containers: [container('a', [attachment('web', '2001:db8:1:1:1::2')])],
    })
    const found = { from: FROM, to: TO, isInUse: true, network: { name: 'web' } }
    expect(staleNetworks(world, INTENT, state)).toMatchObject([found])
    expect(staleNetworks({ ...world, containers: [] }, INTENT, state)).toMatchObject([
      { ...found, isInUse: false },
    ])
    expect(staleNetworks(world, INTENT, { v: 2, uplinks: {}, claims: [] })).toEqual([])
    const numberedFromP1 = {
      eth0: { ...state.uplinks.eth0, current: { ...numbered.current, prefix: P1 } },
    }
    expect(staleNetworks(world, INTENT, { ...state, uplinks: numberedFromP1 })).toEqual([])
  })
})
