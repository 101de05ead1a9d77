import { describe, expect, it } from 'vitest'
import { verifyRRsets, type Wanted } from '../../../../../cloud/dns/verify/verify-rrsets.ts'
import { parseName } from '../../../../../shared/rrset.ts'
import { createFakeDns } from '../../../../fakes/fake-dns.ts'

const ZONE = parseName('example.org')
const www = { name: parseName('www.example.org'), type: 'AAAA' } as const
const api = { name: parseName('api.example.org'), type: 'A' } as const
const wanted: readonly Wanted[] = [
  { ...www, values: ['2001:db8::1'] },
  { ...api, values: null },
]

describe('verifyRRsets', () => {
  it('asks every server for every RRset, and keeps the order of both', async () => {
    const { dns, serve, asked } = createFakeDns(['ns1', 'ns2'])
    serve(www, ['2001:db8::1'], ['ns2'])
    const found = await verifyRRsets(wanted, await dns.nameServers(ZONE), dns)
    expect(found).toEqual([
      {
        wanted: wanted[0],
        state: { kind: 'lagging', servers: ['ns1'] },
        answers: [
          { server: 'ns1', served: { kind: 'absent' } },
          { server: 'ns2', served: { kind: 'rrset', values: ['2001:db8::1'] } },
        ],
      },
      {
        wanted: wanted[1],
        state: { kind: 'live' },
        answers: ['ns1', 'ns2'].map((server) => ({ server, served: { kind: 'absent' } })),
      },
    ])
    expect(asked.toSorted()).toEqual([
      'ns1 api.example.org/A',
      'ns1 www.example.org/AAAA',
      'ns2 api.example.org/A',
      'ns2 www.example.org/AAAA',
    ])
  })

  it('wants to know only of what is not served as wanted whether it is proxied', async () => {
    const { dns, serve } = createFakeDns(['ns1'])
    const gone = { ...www, name: parseName('gone.example.org'), values: null }
    const all: readonly Wanted[] = [...wanted, { ...api, values: ['192.0.2.1'] }, gone]
    serve(www, ['2001:db8::1'])
    serve(api, ['192.0.2.200'])
    serve(gone, ['2001:db8::9'])
    const asked: Wanted[] = []
    const found = await verifyRRsets(all, await dns.nameServers(ZONE), dns, async (doubtful) => {
      asked.push(...doubtful)
      return new Set(doubtful)
    })
    expect(asked).toEqual([all[2]])
    expect(found.map(({ state }) => state.kind)).toEqual([
      ...['live', 'overwritten', 'proxied', 'overwritten'],
    ])
  })

  it('has only so many questions on their way at once', async () => {
    let running = 0
    let most = 0
    const ask = async () => {
      most = Math.max(most, ++running)
      await new Promise(setImmediate)
      running -= 1
      return { kind: 'absent' } as const
    }
    const many = Array.from({ length: 100 }, (_, i): Wanted => {
      return { name: parseName(`n${i}.example.org`), type: 'AAAA', values: null }
    })
    const servers = ['ns1', 'ns2'].map((name) => ({ name, addresses: [] }))
    const found = await verifyRRsets(many, servers, { ask })
    expect(found).toHaveLength(100)
    expect(found.every(({ answers }) => answers.length === 2)).toBe(true)
    expect(most).toBe(16)
  })
})
