import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeQuery, encodeUpdate, TYPE } from '../../../../cloud/dns/dns-message.ts'
import { signMessage, verifyMessage } from '../../../../cloud/dns/tsig.ts'
import { answerTo, now, tsigKey } from './signed-answers.ts'

const request = encodeQuery(0x1234, 'www.example.org', TYPE.AAAA)

describe('signMessage', () => {
  it('appends the record of RFC 8945 §4.2 with the MAC of §4.3.3', async () => {
    const { bytes, mac } = await signMessage(request, tsigKey, now)
    const wireName = Buffer.from('\x04ddns\x00', 'latin1')
    const wireAlgorithm = Buffer.from('\x0bhmac-sha256\x00', 'latin1')
    const time = Buffer.alloc(6)
    time.writeUIntBE(now.getTime() / 1000, 0, 6)
    const variables = Buffer.concat([
      wireName,
      Buffer.from('00ff00000000', 'hex'),
      wireAlgorithm,
      time,
      Buffer.from('012c00000000', 'hex'),
    ])
    const expected = createHmac('sha256', tsigKey.secret).update(request).update(variables).digest()
    expect(Buffer.from(mac)).toEqual(expected)
    const record = Buffer.concat([
      wireName,
      Buffer.from('00fa00ff00000000003d', 'hex'),
      wireAlgorithm,
      time,
      Buffer.from('012c0020', 'hex'),
      expected,
      Buffer.from('123400000000', 'hex'),
    ])
    expect(Buffer.from(bytes)).toEqual(
      Buffer.concat([request.slice(0, 10), Buffer.from([0, 1]), request.slice(12), record]),
    )
  })
})

describe('verifyMessage', () => {
  it('accepts an answer signed for this request, whatever its ID became on the way', async () => {
    const { mac } = await signMessage(request, tsigKey, now)
    const answer = answerTo(request, mac, {})
    expect(await verifyMessage(answer, mac, tsigKey, now)).toEqual({ isSigned: true, error: 0 })
    const renumbered = answer.slice()
    renumbered[0] = 0x99
    expect(await verifyMessage(renumbered, mac, tsigKey, now)).toMatchObject({ isSigned: true })
  })

  it('refuses an answer with any other byte changed, and the answer to another request', async () => {
    const { mac } = await signMessage(request, tsigKey, now)
    const answer = answerTo(request, mac, {})
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: answer.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const altered = answer.map((byte, i) => (i === at ? byte ^ change : byte))
          const verdict = await verifyMessage(altered, mac, tsigKey, now).catch(
            (error: unknown) => error,
          )
          if (verdict instanceof Error) expect(verdict).toMatchObject({ code: 'DNS_PROVIDER' })
          else expect(isCaseOnly(answer, at, change) || !Object(verdict).isSigned).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
    const other = await signMessage(encodeQuery(0x1234, 'api.example.org', TYPE.AAAA), tsigKey, now)
    await expect(verifyMessage(answer, other.mac, tsigKey, now)).rejects.toMatchObject({
      kind: 'auth',
    })
  })

  it('refuses another key, another algorithm and a shortened MAC', async () => {
    const { mac } = await signMessage(request, tsigKey, now)
    for (const options of [{ keyName: 'other' }, { algorithm: 'hmac-sha512' }, { macLength: 16 }]) {
      await expect(
        verifyMessage(answerTo(request, mac, options), mac, tsigKey, now),
      ).rejects.toMatchObject({
        kind: 'auth',
      })
    }
  })

  it('names the clocks when the answer is old', async () => {
    const { mac } = await signMessage(request, tsigKey, now)
    const answer = answerTo(request, mac, { time: new Date(now.getTime() - 400_000) })
    await expect(verifyMessage(answer, mac, tsigKey, now)).rejects.toThrow(/clock.* 400 s apart/)
  })

  it("reports the server's clock of a BADTIME answer", async () => {
    const { mac } = await signMessage(request, tsigKey, now)
    const serverTime = new Date(now.getTime() + 3_600_000)
    const answer = answerTo(request, mac, { rcode: 9, error: 18, serverTime })
    expect(await verifyMessage(answer, mac, tsigKey, now)).toEqual({
      isSigned: true,
      error: 18,
      serverTime,
    })
  })

  it('does not call an answer signed that has no MAC, or no TSIG', async () => {
    const { mac } = await signMessage(request, tsigKey, now)
    const bare = answerTo(request, mac, { rcode: 9, error: 17, macLength: 0 })
    expect(await verifyMessage(bare, mac, tsigKey, now)).toEqual({ isSigned: false, error: 17 })
    expect(await verifyMessage(request, mac, tsigKey, now)).toEqual({ isSigned: false, error: 0 })
  })

  it('answers any bytes with a verdict or a ProviderError', async () => {
    const update = encodeUpdate(1, 'example.org', [], [])
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(40), async (noise, cut) => {
        for (const bytes of [noise, new Uint8Array([...update.slice(0, cut), ...noise])]) {
          try {
            expect((await verifyMessage(bytes, new Uint8Array(32), tsigKey, now)).isSigned).toBe(
              false,
            )
          } catch (error) {
            expect(error).toMatchObject({ code: 'DNS_PROVIDER' })
          }
        }
      }),
    )
  })
})

/** Names are compared without case, so a letter of the key's name may change its case. */
function isCaseOnly(answer: Uint8Array, at: number, change: number): boolean {
  return change === 0x20 && /[a-z]/i.test(String.fromCharCode(answer[at] ?? 0))
}
