import { describe, expect, it } from 'vitest'
import {
  adviseDocker,
  adviseGateways,
  majorVersion,
} from '../../../../agent/domain/docker-advice.ts'
import type { NetworkState } from '../../../../agent/domain/model.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { INTENT, network } from './host-simulator.ts'

const GLOBAL = { subnets: [parsePrefix('2001:db8:1:1:1::/80')] }
const NONE = { ...INTENT, firewall: { backend: 'none', default: 'drop' } } as const
const docker = (version: string, firewallBackend: 'iptables' | 'nftables' = 'iptables') => ({
  version,
  isLiveRestore: false,
  firewallBackend,
})

describe('advice on Docker', () => {
  it.each([
    ['stable-base/nat', {}, []],
    ['stable-base/routed', { gatewayMode: 'routed' }, []],
    ['stable-base/isolated', { gatewayMode: 'isolated' }, ['GATEWAY_MODE']],
    ['global/unsaid', GLOBAL, ['GATEWAY_MODE']],
    ['global/nat', { ...GLOBAL, gatewayMode: 'nat' }, ['GATEWAY_MODE']],
    ['global/nat-unprotected', { ...GLOBAL, gatewayMode: 'nat-unprotected' }, ['GATEWAY_MODE']],
    ['global/routed', { ...GLOBAL, gatewayMode: 'routed' }, []],
    ['global/internal', { ...GLOBAL, isInternal: true }, []],
    ['global/macvlan', { ...GLOBAL, driver: 'macvlan' }, []],
  ] satisfies [string, Partial<NetworkState>, string[]][])('%s', (_, more, codes) => {
    const web = network('web', more)
    expect(adviseDocker(docker('28.5.2'), [web], INTENT).map(({ code }) => code)).toEqual(codes)
    expect(adviseDocker(docker('20.10.24+dfsg1'), [web], INTENT)).toEqual([])
    expect(adviseDocker(docker('26.1.5'), [web], NONE)).toEqual([])
  })

  it('asks for our chain, or a rule of the user, where Docker drops what it does not know', () => {
    expect(adviseDocker(docker('29.7.2'), [network('web')], NONE)).toMatchObject([
      { code: 'DOCKER_FIREWALL', where: 'settings, firewall.backend' },
    ])
    expect(adviseDocker(docker('29.7.2'), [], NONE)).toEqual([])
  })

  it('says that no rule of ours counts beside the nftables backend of Docker', () => {
    expect(adviseDocker(docker('29.7.2', 'nftables'), [network('web')], INTENT)).toMatchObject([
      { code: 'DOCKER_FIREWALL', where: 'daemon.json, firewall-backend' },
    ])
  })
})

describe('advice on the gateway of a network on the LAN', () => {
  const lan = (more: Partial<NetworkState> = {}) =>
    network('lan', { driver: 'macvlan', bridge: 'eth0', hasGateway: false, ...more })
  it.each([
    ['unnamed', lan(), ['GATEWAY_UNNAMED']],
    ['unnamed/ipvlan', lan({ driver: 'ipvlan' }), ['GATEWAY_UNNAMED']],
    ['named', lan({ hasGateway: true }), []],
    ['internal', lan({ isInternal: true }), []],
    ['no IPv6', lan({ subnets: [] }), []],
    ['bridge', network('web', { hasGateway: false }), []],
  ])('%s', (_, one, codes) => {
    expect(adviseGateways([one]).map(({ code }) => code)).toEqual(codes)
  })
})

describe('the major version', () => {
  it.each([
    ['20.10.24+dfsg1', 20],
    ['29.0.0-rc.1', 29],
    ['dev', null],
    ['', null],
  ])('of %s is %s', (text, major) => expect(majorVersion(text)).toBe(major))
})
