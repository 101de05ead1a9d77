import { describe, expect, it } from 'vitest'
import {
  claimAt,
  collectNames,
  type RememberedClaim,
  rememberClaims,
  WITHDRAW_AFTER_MS,
} from '../../../../agent/domain/claims.ts'
import { desire } from '../../../../agent/domain/desired.ts'
import type { ContainerState, Endpoint } from '../../../../agent/domain/model.ts'
import { parseAddress } from '../../../../shared/ipv6.ts'
import { parseName } from '../../../../shared/rrset.ts'
import {
  attachment,
  container,
  INTENT,
  NOW,
  network,
  observed,
  P1,
  P2,
  stateAt,
} from './host-simulator.ts'

const dns = (text: string) => ({ 'reprefix.dns': text })

function collect(containers: readonly ContainerState[], endpoints: readonly Endpoint[] = []) {
  const networks = [
    network('web'),
    network('two', { labels: { 'reprefix.subnet': '::2:0:0:0/80' } }),
  ]
  const host = observed({ networks, containers })
  const intent = { ...INTENT, endpoints }
  return collectNames(containers, desire(host, stateAt(P1), intent, NOW).placed, intent)
}

const on = (name: string, host: string, labels = {}) =>
  container(name, [attachment('web', `fd00::${host}`)], labels)

describe('collectNames', () => {
  it('gives a name the hosts of every container that has it', () => {
    const { names, problems } = collect([
      on('b', '102', dns('www.example.org, API.example.org.')),
      on('a', '101', dns('www.example.org')),
      on('c', '103'),
    ])
    expect(problems).toEqual([])
    expect(names).toEqual([
      { name: 'api.example.org', uplink: 'eth0', hosts: ['::1:0:0:102'] },
      { name: 'www.example.org', uplink: 'eth0', hosts: ['::1:0:0:101', '::1:0:0:102'] },
    ])
  })

  it('gives a container on two networks both its addresses', () => {
    const both = [attachment('web', 'fd00::5'), attachment('two', 'fd00::6', { interface: 'eth1' })]
    const { names } = collect([container('a', both, dns('a.example.org'))])
    expect(names).toEqual([
      { name: 'a.example.org', uplink: 'eth0', hosts: ['::1:0:0:5', '::2:0:0:6'] },
    ])
  })

  it('adds what the settings say to what the label says', () => {
    const endpoints: Endpoint[] = [
      { container: 'a', dns: [parseName('b.example.org')], expose: [] },
      {
        address: parseAddress('::211:32ff:fe12:3456'),
        dns: [parseName('nas.example.org')],
        expose: [],
      },
    ]
    const { names } = collect([on('a', '101', dns('a.example.org'))], endpoints)
    expect(names.map(({ name, hosts }) => `${name} ${hosts}`)).toEqual([
      'a.example.org ::1:0:0:101',
      'b.example.org ::1:0:0:101',
      'nas.example.org ::211:32ff:fe12:3456',
    ])
  })

  it('leaves out a name that is none, and keeps the others', () => {
    const { names, problems } = collect([on('a', '101', dns('a.example.org,,exa mple.org,-x.org'))])
    expect(names.map(({ name }) => name)).toEqual(['a.example.org'])
    expect(problems.map(({ code, where }) => `${code} ${where}`)).toEqual([
      'NAME_INVALID container a, label reprefix.dns',
      'NAME_INVALID container a, label reprefix.dns',
    ])
  })

  it('says which containers have a name but no address, or are not there', () => {
    const { names, problems } = collect(
      [container('lone', [], dns('lone.example.org'))],
      [{ container: 'gone', dns: [parseName('gone.example.org')], expose: [] }],
    )
    expect(names).toEqual([])
    expect(problems.map(({ code }) => code)).toEqual([
      'CONTAINER_WITHOUT_NETWORK',
      'CONTAINER_MISSING',
    ])
  })
})

describe('rememberClaims', () => {
  const www = {
    name: parseName('www.example.org'),
    uplink: 'eth0',
    hosts: [parseAddress('::1:0:0:2')],
  }

  it('claims a name on for a while after its container has gone, then withdraws it', () => {
    const first = rememberClaims([], [www], NOW)
    expect(first).toEqual([{ ...www, missingSince: null }])
    const gone = rememberClaims(first, [], NOW + 1000)
    expect(gone).toEqual([{ ...www, missingSince: NOW + 1000 }])
    const end = NOW + 1000 + WITHDRAW_AFTER_MS
    expect(rememberClaims(gone, [], end - 1)).toEqual(gone)
    expect(rememberClaims(gone, [], end)).toEqual([])
    expect(rememberClaims(gone, [www], end - 1)).toEqual(first)
  })

  it('drops one of several hosts at once', () => {
    const two = { ...www, hosts: [...www.hosts, parseAddress('::1:0:0:3')] }
    expect(rememberClaims(rememberClaims([], [two], NOW), [www], NOW)[0]?.hosts).toEqual(www.hosts)
  })

  it('does not keep a name for as long as the clock was set back', () => {
    const gone: RememberedClaim[] = [{ ...www, missingSince: NOW }]
    const back = rememberClaims(gone, [], NOW - 10_000_000)
    expect(rememberClaims(back, [], NOW - 10_000_000 + WITHDRAW_AFTER_MS)).toEqual([])
  })
})

describe('claimAt', () => {
  it('puts the prefix in front of the same hosts', () => {
    const remembered: RememberedClaim[] = [
      {
        name: parseName('www.example.org'),
        uplink: 'eth0',
        hosts: [parseAddress('::1:0:0:10'), parseAddress('::1:0:0:9')],
        missingSince: null,
      },
    ]
    const values = (prefix: typeof P1) => claimAt(() => prefix, remembered).claims[0]?.values
    expect(values(P1)).toEqual(['2001:db8:1:1:1::10', '2001:db8:1:1:1::9'])
    expect(values(P2)).toEqual(['2001:db8:2:2:1::10', '2001:db8:2:2:1::9'])
  })

  it('keeps to what one report holds, and names what it leaves out', () => {
    const remembered = Array.from({ length: 66 }, (_, n) => ({
      name: parseName(`h${String(n).padStart(2, '0')}.example.org`),
      uplink: 'eth0',
      hosts: [parseAddress('::1')],
      missingSince: null,
    }))
    const { claims, problems } = claimAt(() => P1, remembered)
    expect(claims).toHaveLength(64)
    expect(problems[0]?.what).toContain('h64.example.org, h65.example.org')
  })
})
