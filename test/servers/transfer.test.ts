import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRfc2136Provider } from '../../cloud/dns/rfc2136.ts'
import { createTcpDialer } from '../../cloud/dns/tcp-dialer.ts'
import type { Change } from '../../cloud/domain/dns-provider.ts'
import { parseName, type RRKey } from '../../shared/rrset.ts'
import { describeServer, nsupdate, settingsFor } from './update-rig.ts'
import { startBind, startKnot, type UpdateServer } from './update-server.ts'

const NEEDED = { named: 'bind9', knotd: 'knot', nsupdate: 'bind9-dnsutils' }
const zone = { name: parseName('example.test'), id: 'example.test' }
const MANY = 3000

const key = (label: string, type: RRKey['type'] = 'AAAA'): RRKey => ({
  name: parseName(label === '' ? 'example.test' : `${label}.example.test`),
  type,
})
const put = (label: string, value: string): Change => {
  const { name, type } = key(label)
  return { name, type, set: { name, type, ttl: 60, values: [value] } }
}

/** Counts what goes out: questions one by one, and transfers. */
function counted() {
  const dial = createTcpDialer(5000)
  const sent = { messages: 0, transfers: 0 }
  return {
    sent,
    dial: async (server: Parameters<typeof dial>[0]) => {
      const connection = await dial(server)
      return {
        close: () => connection.close(),
        exchange: (messages: readonly Uint8Array[]) => {
          sent.messages += messages.length
          return connection.exchange(messages)
        },
        async *stream(message: Uint8Array) {
          sent.transfers += 1
          if (connection.stream !== undefined) yield* connection.stream(message)
        },
      }
    },
  }
}

describeServer('a zone that is transferred', NEEDED, () => {
  describe.each([
    ['BIND', startBind],
    ['Knot', startKnot],
  ] as const)('by %s', (_, start) => {
    let open: UpdateServer
    let closed: UpdateServer
    beforeAll(async () => {
      ;[open, closed] = await Promise.all([start('addresses'), start('none')])
    })
    afterAll(async () => {
      await Promise.all([open?.stop(), closed?.stop()])
    })

    const providerOf = (server: UpdateServer) => {
      const { dial, sent } = counted()
      const settings = settingsFor(server, server.addresses)
      return {
        provider: createRfc2136Provider('lan', settings, { now: () => new Date(), dial }),
        sent,
      }
    }

    it('says the same as question by question, whatever is in it', async () => {
      const lines = [
        'update add www.example.test 60 AAAA 2001:db8::1',
        'update add www.example.test 60 AAAA 2001:db8::2',
        'update add example.test 300 AAAA 2001:db8::3',
        'update add *.wild.example.test 60 AAAA 2001:db8::4',
        'update add own.wild.example.test 60 TXT "a" "b"',
        'update add Upper.example.test 60 TXT "Mixed Case"',
      ]
      for (const server of [open, closed]) await nsupdate(server, lines)
      const keys = [
        ...[key('www'), key(''), key('*.wild'), key('any.wild'), key('own.wild')],
        ...[key('own.wild', 'TXT'), key('upper', 'TXT'), key('nobody'), key('www', 'A')],
      ]
      const asked = providerOf(closed)
      const whole = providerOf(open)
      const expected = await asked.provider.read(zone, keys)
      expect(await whole.provider.read(zone, keys)).toEqual(expected)
      expect(expected.filter((set) => set !== null)).toHaveLength(5)
      expect(whole.sent).toEqual({ messages: 0, transfers: 1 })
      const odd = [
        put('alias', '::1'),
        put('www.delegated', '::1'),
        put('a', '::1'),
        put('b', '::1'),
      ]
      for (const { provider } of [asked, whole]) {
        const { outcomes } = await provider.apply(zone, odd)
        expect(outcomes.map((one) => (one.kind === 'failed' ? one.error.kind : one.kind))).toEqual([
          'invalid',
          'zone-not-found',
          'created',
          'created',
        ])
      }
    })

    it('moves thousands of RRsets in a handful of messages', async () => {
      const { provider, sent } = providerOf(open)
      const changes = (part: string) =>
        Array.from({ length: MANY }, (_unused, i) => put(`n${i}.bulk`, `2001:db8:${part}::1`))
      await provider.apply(zone, changes('1'))
      sent.messages = 0
      sent.transfers = 0
      const { outcomes, writes } = await provider.apply(zone, changes('2'))
      expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['updated']))
      expect(sent).toEqual({ messages: writes, transfers: 1 })
      expect(writes).toBeLessThanOrEqual(MANY / 300)
      expect((await provider.apply(zone, changes('2'))).writes).toBe(0)
    })

    it('is asked question by question where it may not be transferred, and not tried again', async () => {
      const { provider, sent } = providerOf(closed)
      const keys = [key('www'), key('a'), key('b'), key('nobody')]
      for (const _time of [1, 2]) await provider.read(zone, keys)
      expect(sent.transfers).toBe(1)
      expect(sent.messages).toBeGreaterThanOrEqual(2 * keys.length)
    })

    it('with a wrong key says so as without a transfer', async () => {
      const settings = settingsFor(open, {
        ...open.addresses,
        secret: Buffer.alloc(32).toString('base64'),
      })
      const dial = createTcpDialer(2000)
      const provider = createRfc2136Provider('lan', settings, { now: () => new Date(), dial })
      const { outcomes } = await provider.apply(
        zone,
        ['a', 'b', 'c', 'd'].map((label) => put(label, '::1')),
      )
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ kind: 'failed', error: { kind: 'auth' } })
      }
    })
  })
})
