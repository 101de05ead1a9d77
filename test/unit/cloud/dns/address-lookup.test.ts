import { createSocket } from 'node:dgram'
import { decode, encode } from 'dns-packet'
import { describe, expect, it } from 'vitest'
import {
  type AddressResolver,
  createAuthoritativeLookup,
  nodeResolver,
} from '../../../../cloud/dns/address-lookup.ts'
import { parseName } from '../../../../shared/rrset.ts'

type Answers = Readonly<Record<string, readonly string[] | string>>

const fail = (code: string) => Promise.reject(Object.assign(new Error(`query${code}`), { code }))

/** Answers by `TYPE name`; a string is an error code, and what is not named does not exist. */
function resolver(answers: Answers, asked: string[] = []): AddressResolver {
  const ask = (type: string) => (name: string) => {
    asked.push(`${type} ${name}`)
    const answer = answers[`${type} ${name}`] ?? 'ENOTFOUND'
    return typeof answer === 'string' ? fail(answer) : Promise.resolve([...answer])
  }
  return { resolveNs: ask('NS'), resolve4: ask('A'), resolve6: ask('AAAA') }
}

const host = parseName('www.example.org')
const SYSTEM: Answers = {
  'NS example.org': ['ns1.example.net', 'ns2.example.net'],
  'A ns1.example.net': ['192.0.2.53'],
  'AAAA ns1.example.net': ['2001:db8::53'],
  'AAAA ns2.example.net': 'ESERVFAIL',
  'AAAA www.example.org': ['2001:db8::old'],
}

function lookupWith(system: Answers, authority: Answers) {
  const asked: (readonly string[])[] = []
  const open = createAuthoritativeLookup((servers) => {
    if (servers === undefined) return resolver(system)
    asked.push(servers)
    return resolver(authority)
  })
  return { open, asked }
}

describe('looking up addresses', () => {
  it('asks the name servers of the zone and not a cache', async () => {
    const { open, asked } = lookupWith(SYSTEM, { 'AAAA www.example.org': ['2001:DB8:0::1'] })
    const lookup = await open(parseName('example.org'))
    expect(await lookup(host, 'AAAA')).toEqual(['2001:db8::1'])
    expect(await lookup(host, 'A')).toEqual([])
    expect(asked).toEqual([['192.0.2.53', '2001:db8::53']])
  })

  it('goes up to the zone that a name is in, and never to a top-level domain', async () => {
    const { open, asked } = lookupWith({ ...SYSTEM, 'NS org': ['a0.org.example.net'] }, {})
    await open(parseName('home.example.org'))
    await open(parseName('other.org'))
    expect(asked).toEqual([['192.0.2.53', '2001:db8::53']])
  })

  it.each(['ENODATA', 'ENOTFOUND'])('takes %s for no address', async (code) => {
    const { open } = lookupWith(SYSTEM, { 'AAAA www.example.org': code })
    expect(await (await open(parseName('example.org')))(host, 'AAAA')).toEqual([])
  })

  it('asks the system where the name servers cannot be reached', async () => {
    const system = { ...SYSTEM, 'AAAA www.example.org': ['2001:db8::1'] }
    const { open } = lookupWith(system, { 'AAAA www.example.org': 'ETIMEOUT' })
    expect(await (await open(parseName('example.org')))(host, 'AAAA')).toEqual(['2001:db8::1'])
  })

  it('never takes a fault for an absent name', async () => {
    const system = { ...SYSTEM, 'AAAA www.example.org': 'ESERVFAIL' }
    const { open } = lookupWith(system, { 'AAAA www.example.org': 'ETIMEOUT' })
    const lookup = await open(parseName('example.org'))
    await expect(lookup(host, 'AAAA')).rejects.toMatchObject({ kind: 'transient' })
    const broken = lookupWith({ 'NS example.org': 'ESERVFAIL' }, {}).open
    await expect(broken(parseName('example.org'))).rejects.toMatchObject({ kind: 'transient' })
  })
})

/** A name server on loopback: RCODE by the first label, and one address for all other names. */
async function withServer(use: (address: string) => Promise<void>): Promise<void> {
  const socket = createSocket('udp4')
  socket.on('message', (message, { port, address }) => {
    const { id = 0, questions = [] } = decode(message)
    const [{ name = '', type = 'A' } = {}] = questions
    const rcode = { missing: 3, broken: 2, refused: 5 }[name.split('.')[0] ?? ''] ?? 0
    const isEmpty = rcode !== 0 || type !== 'AAAA'
    const packet = encode({
      ...{ type: 'response', id, flags: 0x8400 | rcode, questions },
      answers: isEmpty ? [] : [{ name, type: 'AAAA', ttl: 60, data: '2001:db8::1' }],
      // As in a referral, and as in a negative answer.
      authorities: isEmpty ? [{ name: 'example.org', type: 'NS', data: 'ns.example.org' }] : [],
    })
    socket.send(packet, port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  try {
    await use(`127.0.0.1:${socket.address().port}`)
  } finally {
    await new Promise<void>((resolve) => socket.close(() => resolve()))
  }
}

describe("Node's resolver", () => {
  it('tells what is there, what is not, and what nobody knows', async () => {
    await withServer(async (server) => {
      const open = createAuthoritativeLookup((servers) =>
        servers === undefined ? resolver(SYSTEM) : nodeResolver([server]),
      )
      const lookup = await open(parseName('example.org'))
      const at = (label: string) => parseName(`${label}.example.org`)
      expect(await lookup(at('www'), 'AAAA')).toEqual(['2001:db8::1'])
      expect(await lookup(at('www'), 'A')).toEqual([])
      expect(await lookup(at('missing'), 'AAAA')).toEqual([])
      for (const label of ['broken', 'refused']) {
        // The system knows no such name, and is asked only because the server has failed.
        expect(await lookup(at(label), 'AAAA')).toEqual([])
        await expect(nodeResolver([server]).resolve6(at(label))).rejects.toMatchObject({
          code: expect.stringMatching(/^(ESERVFAIL|EREFUSED)$/),
        })
      }
    })
  })
})
