import { describe, expect, it } from 'vitest'
import { fuzz } from '../fuzz/fuzz.ts'
import { allDecoders, seedOf, shareOf } from '../fuzz/table.ts'

/** The short form of `npm run fuzz`: enough to notice a decoder that has become careless. */
const CASES = 5_000

describe('a decoder of untrusted input', async () => {
  const decoders = await allDecoders()
  const casesOf = shareOf(decoders, CASES)
  // Another one each time; a failure prints it, with the input.
  const seed = Math.floor(Math.random() * 2 ** 31)

  it.each(decoders)('refuses or decodes whatever it gets: $name', async (decoder) => {
    const { failure } = await fuzz(decoder, casesOf(decoder), seedOf(seed, decoder), false)
    expect(failure, `npm run fuzz -- --seed ${seed} --cases ${CASES}`).toBeUndefined()
  })

  it("has valid samples, and leaves what is everybody's as it was", async () => {
    const { fetch } = globalThis
    const { error } = console
    for (const { name, samples, decode } of decoders) {
      const decoded = await Promise.allSettled(samples.map(async (sample) => decode(sample)))
      const refused = decoded.filter(({ status }) => status === 'rejected')
      expect(refused, name).toEqual([])
    }
    expect(globalThis.fetch).toBe(fetch)
    expect(console.error).toBe(error)
  })
})
