import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decode, encode, type Packet } from 'dns-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { createDohDns } from '../../../../../cloud/dns/verify/doh-dns.ts'
import { verifyRRsets } from '../../../../../cloud/dns/verify/verify-rrsets.ts'
import { parseName } from '../../../../../shared/rrset.ts'

const ZONE = parseName('example.org')
const www = { name: parseName('www.example.org'), type: 'AAAA' } as const

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

type Behaviour = (question: Packet) => Partial<Packet> | { readonly status: number; body?: string }

/** A resolver over HTTP, encoding with a library that is not ours. */
async function serve(answer: Behaviour) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost')
    asked.push(`${request.method} ${request.headers.accept} ${url.pathname}`)
    const query = decode(Buffer.from(url.searchParams.get('dns') ?? '', 'base64url'))
    const made = answer(query)
    if ('status' in made) return void response.writeHead(made.status).end(made.body)
    const packet = {
      id: query.id ?? 0,
      type: 'response' as const,
      questions: query.questions ?? [],
    }
    response.end(encode({ ...packet, ...made }))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const dns = createDohDns([`http://127.0.0.1:${port}/dns-query`], {
    fetch,
    deadline: (ms) => AbortSignal.timeout(Math.min(ms, 300)),
  })
  const ask = async (key: Parameters<typeof dns.ask>[1] = www) => {
    const [one] = await dns.nameServers(ZONE)
    if (one === undefined) throw new Error('no resolver')
    return dns.ask(one, key)
  }
  return { dns, ask, asked, port }
}

describe('createDohDns', () => {
  it('asks as RFC 8484 says, and labels what it hears', async () => {
    const questions: Packet[] = []
    const { dns, ask, asked, port } = await serve((question) => {
      questions.push(question)
      const data = ['2001:db8::2', '2001:db8:0::1']
      return { answers: data.map((one) => ({ name: www.name, type: 'AAAA', ttl: 60, data: one })) }
    })
    expect(await ask()).toEqual({ kind: 'rrset', values: ['2001:db8::1', '2001:db8::2'] })
    expect(asked).toEqual(['GET application/dns-message /dns-query'])
    expect(questions).toMatchObject([
      { id: 0, questions: [{ name: 'www.example.org', type: 'AAAA' }], flag_rd: true },
    ])
    const wanted = [{ ...www, values: ['2001:db8::9'] }]
    const [found] = await verifyRRsets(wanted, await dns.nameServers(ZONE), dns)
    expect(found?.answers[0]?.server).toBe(`127.0.0.1:${port} (eventual)`)
  })

  it('takes a name without the type, and one that is not there, for absent', async () => {
    const empty = await serve(() => ({ answers: [] }))
    expect(await empty.ask()).toEqual({ kind: 'absent' })
    const nobody = await serve(() => ({ flags: 3 }))
    expect(await nobody.ask()).toEqual({ kind: 'absent' })
  })

  it('joins the parts of a text', async () => {
    const text = { name: www.name, type: 'TXT' as const }
    const data = [Buffer.from('é'.repeat(100)), Buffer.from('b')]
    const { ask } = await serve(() => ({
      answers: [{ name: text.name, type: 'TXT', ttl: 60, data }],
    }))
    expect(await ask(text)).toEqual({ kind: 'rrset', values: [`${'é'.repeat(100)}b`] })
  })

  it.each<[string, Behaviour, RegExp]>([
    ['a fault of the zone', () => ({ flags: 2 }), /response code 2/],
    ['a busy resolver', () => ({ status: 503 }), /HTTP status 503/],
    ['a page instead', () => ({ status: 200, body: '<html></html>' }), /cannot be decoded|code/],
    ['a redirect', () => ({ status: 302 }), /HTTP status 302/],
  ])('does not know: %s', async (_, behaviour, reason) => {
    const { ask } = await serve(behaviour)
    expect(await ask()).toMatchObject({ kind: 'unknown', reason: expect.stringMatching(reason) })
  })

  it('does not know when nobody answers', async () => {
    const { ask } = await serve(() => ({ answers: [] }))
    await new Promise((resolve) => servers.splice(0)[0]?.close(resolve))
    expect(await ask()).toMatchObject({ kind: 'unknown' })
  })
})
