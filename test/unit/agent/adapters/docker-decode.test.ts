import { describe, expect, it } from 'vitest'
import {
  decodeContainers,
  decodeDockerFacts,
  decodeNetworks,
} from '../../../../agent/adapters/docker-decode.ts'

const network = (options: Record<string, string> | null) => [
  { Id: 'aaaaaaaaaaaabbbb', Name: 'web', Driver: 'bridge', Options: options },
]

describe('the gateway mode of a network', () => {
  it.each(['nat', 'nat-unprotected', 'routed', 'isolated'])('is %s where it says so', (mode) => {
    const option = { 'com.docker.network.bridge.gateway_mode_ipv6': mode }
    expect(decodeNetworks(network(option))[0]).toMatchObject({ gatewayMode: mode })
  })

  it.each([null, {}, { 'com.docker.network.bridge.gateway_mode_ipv6': 'later' }])(
    'is left out for options %j',
    (options) => expect(decodeNetworks(network(options))[0]).not.toHaveProperty('gatewayMode'),
  )
})

describe('a network on the LAN', () => {
  const lan = (driver: string, options: Record<string, string>, config: readonly object[] = []) =>
    decodeNetworks([
      {
        Id: 'aaaaaaaaaaaabbbb',
        Name: 'lan',
        Driver: driver,
        Options: options,
        IPAM: { Config: config },
      },
    ])[0]

  it('is behind its parent, in the mode that it names', () => {
    expect(lan('macvlan', { parent: 'eth0.20' })).toMatchObject({ bridge: 'eth0.20' })
    expect(lan('macvlan', { parent: 'eth0.20' })).not.toHaveProperty('mode')
    const options = { parent: 'eth0', ipvlan_mode: 'l3' }
    expect(lan('ipvlan', options)).toMatchObject({ bridge: 'eth0', mode: 'l3' })
  })

  it.each([{}, { parent: 'dm-aaaaaaaaaaaa' }, { parent: 'di-aaaaaaaaaaaa' }])(
    'has no parent where Docker makes one that leads nowhere: %j',
    (options) => expect(lan('macvlan', options)?.bridge).toBe(''),
  )

  it('says whether somebody has named its IPv6 gateway', () => {
    const ipv4 = { Subnet: '192.0.2.0/24', Gateway: '192.0.2.1' }
    const pool = { Subnet: 'fd00:1::/80' }
    const named = { ...pool, Gateway: 'fd00:1::1' }
    expect(lan('macvlan', {}, [ipv4, pool])?.hasGateway).toBe(false)
    expect(lan('macvlan', {}, [ipv4, named])?.hasGateway).toBe(true)
  })
})

describe('an address that is none', () => {
  const subnet = (Subnet: string) => [
    { Id: 'a', Name: 'web', Driver: 'bridge', IPAM: { Config: [{ Subnet }] } },
  ]
  it.each(['2001:db8:x::/64', '2001:db8::', '2001:db8::/129', '2001:db8::/6.4', ':'])(
    'is not Docker’s: the subnet %s',
    (text) => {
      expect(() => decodeNetworks(subnet(text))).toThrow(
        expect.objectContaining({ code: 'DOCKER_UNREACHABLE' }),
      )
    },
  )

  it('is not Docker’s: that of a container', () => {
    const Networks = { web: { GlobalIPv6Address: 'x:' } }
    expect(() => decodeContainers([{ Id: 'a', NetworkSettings: { Networks } }])).toThrow(
      expect.objectContaining({ code: 'DOCKER_UNREACHABLE' }),
    )
  })
})

describe('the facts of Docker', () => {
  it('are read from an older daemon, which says less', () => {
    expect(decodeDockerFacts({ ServerVersion: '20.10.24+dfsg1' })).toEqual({
      version: '20.10.24+dfsg1',
      isLiveRestore: false,
      firewallBackend: 'iptables',
    })
  })

  it.each([
    ['iptables', 'iptables'],
    ['nftables', 'nftables'],
    ['nftables+firewalld', 'nftables'],
  ])('say which packet filter it writes: %s is %s', (Driver, firewallBackend) => {
    const info = { ServerVersion: '29.7.2', LiveRestoreEnabled: true, FirewallBackend: { Driver } }
    expect(decodeDockerFacts(info)).toEqual({
      version: '29.7.2',
      isLiveRestore: true,
      firewallBackend,
    })
  })

  it('are refused from something that is not Docker', () => {
    expect(() => decodeDockerFacts({ hello: 1 })).toThrow('docker.socket')
  })
})
