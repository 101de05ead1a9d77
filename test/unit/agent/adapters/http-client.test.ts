import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createHttpGet, createHttpPost } from '../../../../agent/adapters/http-client.ts'
import { readOwnAddresses } from '../../../../agent/adapters/own-addresses.ts'
import { parseAddress, parsePrefix } from '../../../../shared/ipv6.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A web server on the loopback interface. */
async function serve(
  answer: (response: ServerResponse, request: IncomingMessage, body: string) => void,
) {
  const started = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    answer(response, request, Buffer.concat(chunks).toString())
  })
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}/v1/reports`
}

const post = createHttpPost(() => [parseAddress('2001:db8:9:9::1')])
const soon = () => AbortSignal.timeout(5000)

describe('posting over HTTP', () => {
  it('sends the bytes as they are, and gives status, text and Retry-After', async () => {
    const seen: unknown[] = []
    const url = await serve((response, { method, url: path, headers }, body) => {
      seen.push([method, path, headers['content-type'], headers['content-length'], body])
      response.writeHead(202, { 'retry-after': '7' }).end('{"status":"pénding"}')
    })
    expect(await post(url, 'a.b.ć', soon())).toEqual({
      status: 202,
      retryAfter: '7',
      text: '{"status":"pénding"}',
    })
    expect(seen).toEqual([['POST', '/v1/reports', 'application/jose', '6', 'a.b.ć']])
  })

  it('follows no redirect', async () => {
    let asked = 0
    const url = await serve((response) => {
      asked += 1
      response.writeHead(307, { location: '/elsewhere' }).end()
    })
    expect(await post(url, 'a', soon())).toMatchObject({ status: 307 })
    expect(asked).toBe(1)
  })

  it('takes no answer of more than a mebibyte', async () => {
    const url = await serve((response) => {
      response.writeHead(200)
      response.write('x'.repeat(600_000))
      response.end('x'.repeat(600_000))
    })
    await expect(post(url, 'a', soon())).rejects.toThrow('1 MiB')
  })

  it('gives up on a server that accepts and says nothing', async () => {
    const url = await serve(() => undefined)
    await expect(post(url, 'a', AbortSignal.timeout(30))).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })

  it('says why there is no answer', async () => {
    const cut = await serve((response) => response.destroy())
    await expect(post(cut, 'a', soon())).rejects.toThrow('socket hang up')
    server?.close()
    await expect(post(cut, 'a', soon())).rejects.toThrow('ECONNREFUSED')
  })

  it('refuses a server that does not speak TLS where it must', async () => {
    const url = await serve((response) => response.end())
    await expect(post(url.replace('http:', 'https:'), 'a', soon())).rejects.toThrow()
  })
})

describe('own addresses', () => {
  const entry = (address: string, family: 'IPv4' | 'IPv6') => ({
    ...{ address, family, netmask: '', mac: '', internal: false, cidr: null, scopeid: 0 },
  })
  it('are those inside the prefix on the uplink', () => {
    const interfaces = {
      eth0: [
        entry('192.0.2.7', 'IPv4'),
        entry('fe80::1%eth0', 'IPv6'),
        entry('2001:db8:1:1::5', 'IPv6'),
        entry('2001:db8:2:2::5', 'IPv6'),
      ],
      eth1: [entry('2001:db8:2:2::6', 'IPv6')],
    } as Parameters<typeof readOwnAddresses>[2]
    const prefix = parsePrefix('2001:db8:2:2::/64')
    expect(readOwnAddresses('eth0', prefix, interfaces)).toEqual(['2001:db8:2:2::5'])
    expect(readOwnAddresses('eth9', prefix, interfaces)).toEqual([])
  })
})

describe('getting over HTTP', () => {
  it('sends no body and no headers of one, and gives status and text', async () => {
    const seen: unknown[] = []
    const url = await serve((response, { method, url: path, headers }, body) => {
      seen.push([method, path, headers['content-type'], headers['content-length'], body])
      response.end('cloud.example.org\n')
    })
    const answer = await createHttpGet()(url, soon())
    expect(answer).toEqual({ status: 200, retryAfter: null, text: 'cloud.example.org\n' })
    expect(seen).toEqual([['GET', '/v1/reports', undefined, undefined, '']])
  })

  it('fails when nobody answers in time', async () => {
    const url = await serve(() => undefined)
    await expect(createHttpGet()(url, AbortSignal.timeout(100))).rejects.toThrow()
  })
})
