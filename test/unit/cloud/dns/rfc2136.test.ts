import { describe, expect, it } from 'vitest'
import { encodeRecord, encodeValue } from '../../../../cloud/dns/dns-message.ts'
import type { DnsDialer } from '../../../../cloud/dns/dns-transport.ts'
import { createRfc2136Provider } from '../../../../cloud/dns/rfc2136.ts'
import { type Change, ProviderError } from '../../../../cloud/domain/dns-provider.ts'
import { parseName } from '../../../../shared/rrset.ts'
import { type AnswerOptions, answerTo, now, tsigKey } from './signed-answers.ts'

const zone = { name: parseName('example.org'), id: 'example.org' }
const name = parseName('www.example.org')
const change: Change = {
  name,
  type: 'AAAA',
  set: { name, type: 'AAAA', ttl: 60, values: ['2001:db8::1'] },
}
const isUpdate = (message: Uint8Array) => (message[2] ?? 0) >> 3 === 5
/** By length and letters: a single letter could also be in the random MAC. */
const asksFor = (message: Uint8Array, label: string) =>
  Buffer.from(message).includes(`${String.fromCharCode(label.length)}${label}`)
const MAC_BYTES = 32

/** A server that answers as told, and remembers what it was asked. */
function serverThat(answer: (message: Uint8Array) => AnswerOptions | Uint8Array | Error) {
  const asked: Uint8Array[] = []
  let dials = 0
  const dial: DnsDialer = async () => {
    dials += 1
    return {
      close: () => undefined,
      exchange: async (messages) =>
        messages.map((message) => {
          asked.push(message)
          const options = answer(message)
          if (options instanceof Error) throw options
          if (options instanceof Uint8Array) return options
          // The request's MAC stands before its ID, error and other length at the very end.
          const mac = message.slice(-6 - MAC_BYTES, -6)
          return answerTo(message, mac, options)
        }),
    }
  }
  const settings = { type: 'rfc2136' as const, server: { host: '::1', port: 53 }, tsig: tsigKey }
  const provider = createRfc2136Provider('lan', settings, { now: () => now, dial })
  return { provider, asked, dials: () => dials }
}

async function faultFor(answer: (message: Uint8Array) => AnswerOptions | Uint8Array | Error) {
  const { outcomes } = await serverThat(answer).provider.apply(zone, [change])
  const [outcome] = outcomes
  return outcome?.kind === 'failed' ? outcome.error : expect.unreachable('it was accepted')
}

describe('many questions', () => {
  const keys = Array.from({ length: 100 }, (_, i) => {
    return { name: parseName(`n${i}.example.org`), type: 'AAAA' as const }
  })

  it('go over one connection, each answered by its own', async () => {
    const server = serverThat(() => ({}))
    expect(await server.provider.read(zone, keys)).toEqual(keys.map(() => null))
    expect(server.dials()).toBe(1)
  })

  it('end with the first fault: nothing is asked afterwards, and nobody dials again', async () => {
    const server = serverThat((message) =>
      asksFor(message, 'n7') ? new ProviderError('transient', 'no answer') : {},
    )
    await expect(server.provider.read(zone, keys)).rejects.toMatchObject({ kind: 'transient' })
    const asked = server.asked.length
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(server.asked).toHaveLength(asked)
    expect(asked).toBeLessThanOrEqual(32)
    expect(server.dials()).toBe(1)
  })
})

describe('an update', () => {
  it.each<[string, AnswerOptions, string, RegExp]>([
    ['FORMERR', { rcode: 1 }, 'protocol', /response code 1/],
    ['SERVFAIL', { rcode: 2 }, 'transient', /could not confirm/],
    ['NOTIMP', { rcode: 4 }, 'invalid', /takes no updates/],
    ['REFUSED', { rcode: 5 }, 'forbidden', /does not let this key/],
    ['YXRRSET', { rcode: 7 }, 'conflict', /changed while/],
    ['NXRRSET', { rcode: 8 }, 'conflict', /changed while/],
    ['NOTAUTH', { rcode: 9 }, 'zone-not-found', /not the primary/],
    ['NOTZONE', { rcode: 10 }, 'invalid', /not in this zone/],
    ['BADSIG', { rcode: 9, error: 16, macLength: 0 }, 'auth', /check its secret/],
    ['BADKEY', { rcode: 9, error: 17, macLength: 0 }, 'forbidden', /does not know the key ddns/],
    ['BADTIME', { rcode: 9, error: 18, serverTime: new Date(0) }, 'auth', /clocks.*1970-01-01/],
    ['a wrong signature', { keyName: 'other' }, 'auth', /another key/],
  ])('answered with %s fails as what it is', async (_, options, kind, message) => {
    const fault = await faultFor((asked) => (isUpdate(asked) ? options : { rcode: 3 }))
    expect(fault).toMatchObject({ kind, message: expect.stringMatching(message) })
  })

  it('is not believed without a signature, only a refusal is', async () => {
    const plain = (rcode: number) => (asked: Uint8Array) =>
      Uint8Array.from([...asked.slice(0, 2), 0x84, rcode, 0, 0, 0, 0, 0, 0, 0, 0])
    expect(await faultFor(plain(0))).toMatchObject({
      kind: 'protocol',
      message: expect.stringMatching(/did not sign/),
    })
    expect(await faultFor(plain(5))).toMatchObject({ kind: 'auth' })
    expect(await faultFor(plain(2))).toMatchObject({ kind: 'transient' })
    expect(await faultFor(() => new Uint8Array(3))).toMatchObject({ kind: 'protocol' })
  })

  it('is tried again on a new connection when the answer is lost, and says what it did', async () => {
    let isStored = false
    const record = encodeRecord({
      name,
      type: 28,
      class: 1,
      ttl: 60,
      rdata: encodeValue('AAAA', '2001:db8::1'),
    })
    const server = serverThat((asked) => {
      if (!isUpdate(asked))
        return isStored && asksFor(asked, 'www') ? { answers: [record] } : { rcode: 3 }
      isStored = true
      return new ProviderError('transient', 'cut')
    })
    const { outcomes, writes } = await server.provider.apply(zone, [change])
    expect(outcomes).toEqual([{ kind: 'created' }])
    expect(writes).toBe(1)
    expect(server.dials()).toBe(2)
  })

  it('gives up after a few conflicts', async () => {
    const server = serverThat((asked) => (isUpdate(asked) ? { rcode: 8 } : { rcode: 3 }))
    const { writes } = await server.provider.apply(zone, [change])
    expect(writes).toBe(3)
  })
})

describe('a question', () => {
  it.each<[string, AnswerOptions, string]>([
    ['SERVFAIL', { rcode: 2 }, 'transient'],
    ['REFUSED', { rcode: 5 }, 'forbidden'],
    ['NOTIMP', { rcode: 4 }, 'protocol'],
    ['a referral', { isAuthoritative: false }, 'zone-not-found'],
  ])('answered with %s fails as what it is', async (_, options, kind) => {
    await expect(serverThat(() => options).provider.read(zone, [change])).rejects.toMatchObject({
      kind,
    })
  })

  it('takes the records of its own name and type only, in any case', async () => {
    const record = (owner: string, value: string) =>
      encodeRecord({ name: owner, type: 28, class: 1, ttl: 30, rdata: encodeValue('AAAA', value) })
    const answers = [
      record('WWW.example.org', '2001:db8::2'),
      record('other.example.org', '2001:db8::3'),
    ]
    const found = await serverThat((asked) =>
      asksFor(asked, 'www') ? { answers } : { rcode: 3 },
    ).provider.read(zone, [change])
    expect(found).toEqual([{ name, type: 'AAAA', ttl: 30, values: ['2001:db8::2'] }])
  })
})
