import { describe, expect, it } from 'vitest'
import { encodeQuery, TYPE } from '../../../../cloud/dns/dns-message.ts'
import { signMessage } from '../../../../cloud/dns/tsig.ts'
import { createStreamVerifier } from '../../../../cloud/dns/tsig-stream.ts'
import { type AnswerOptions, answerTo, now, tsigKey } from './signed-answers.ts'

const MAC_BYTES = 32
const macOf = (signed: Uint8Array) => signed.slice(-6 - MAC_BYTES, -6)

/** A message without TSIG: as a signed one, but for its last record. */
function unsigned(request: Uint8Array, rcode = 0): Uint8Array {
  const signed = answerTo(request, new Uint8Array(), { rcode })
  const length = request.indexOf(0, 12) + 5
  const bytes = signed.slice(0, length)
  bytes.set([0, 0], 10)
  return bytes
}

async function begin() {
  const question = encodeQuery(7, 'example.org', TYPE.AXFR)
  const { bytes, mac } = await signMessage(question, tsigKey, now)
  const verifier = createStreamVerifier(mac, tsigKey, () => now)
  const first = answerTo(bytes, mac, {})
  const next = (
    previous: Uint8Array,
    follows: readonly Uint8Array[],
    options: AnswerOptions = {},
  ) => answerTo(bytes, macOf(previous), { ...options, follows })
  return { bytes, verifier, first, next }
}

describe('createStreamVerifier', () => {
  it('takes signed messages, each over the signature before it', async () => {
    const { verifier, first, next } = await begin()
    expect(await verifier.verify(first)).toBe(true)
    const second = next(first, [])
    expect(await verifier.verify(second)).toBe(true)
    expect(await verifier.verify(next(second, []))).toBe(true)
  })

  it('takes unsigned ones in between, which the next signature covers', async () => {
    const { bytes, verifier, first, next } = await begin()
    const between = [unsigned(bytes), unsigned(bytes, 1)]
    await verifier.verify(first)
    for (const message of between) expect(await verifier.verify(message)).toBe(false)
    const second = next(first, between)
    expect(await verifier.verify(second)).toBe(true)
    expect(await verifier.verify(next(second, []))).toBe(true)
  })

  const forgeries: readonly [
    string,
    (made: Awaited<ReturnType<typeof begin>>) => readonly Uint8Array[],
  ][] = [
    ['left out', ({ bytes, first, next }) => [next(first, [unsigned(bytes)])]],
    ['put in', ({ bytes, first, next }) => [unsigned(bytes), next(first, [])]],
    ['changed', ({ bytes, first, next }) => [unsigned(bytes), next(first, [unsigned(bytes, 1)])]],
    [
      'in another order',
      ({ bytes, first, next }) => {
        const [a, b] = [unsigned(bytes), unsigned(bytes, 1)]
        return [b, a, next(first, [a, b])]
      },
    ],
    ['repeated', ({ first, next }) => [next(first, []), next(first, [])]],
    ['signed like a first one', ({ bytes, first }) => [answerTo(bytes, macOf(first), {})]],
    ['of another key', ({ first, next }) => [next(first, [], { keyName: 'other' })]],
    ['with a short signature', ({ first, next }) => [next(first, [], { macLength: 16 })]],
  ]
  it.each(forgeries)('refuses a transfer with a message %s', async (_, forge) => {
    const made = await begin()
    await made.verifier.verify(made.first)
    const verdicts: unknown[] = []
    const all = async () => {
      for (const message of forge(made)) verdicts.push(await made.verifier.verify(message))
    }
    await expect(all()).rejects.toMatchObject({ kind: 'auth' })
  })

  it('lets nothing follow a first message that is not signed', async () => {
    const { bytes, verifier, first } = await begin()
    expect(await verifier.verify(unsigned(bytes))).toBe(false)
    await expect(verifier.verify(first)).rejects.toMatchObject({ kind: 'auth' })
  })

  it('refuses a hundred unsigned messages', async () => {
    const { bytes, verifier, first } = await begin()
    await verifier.verify(first)
    for (let i = 0; i < 99; i++) expect(await verifier.verify(unsigned(bytes))).toBe(false)
    await expect(verifier.verify(unsigned(bytes))).rejects.toMatchObject({ kind: 'auth' })
  })
})
