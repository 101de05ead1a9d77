import { describe, expect, it } from 'vitest'
import { createKeyImporter } from '../../../../cloud/fleet/key-importer.ts'
import { generateSigningKey } from '../../../../shared/jws.ts'

describe('createKeyImporter', () => {
  it('gives the key of each JWK, however often and in whatever order', async () => {
    const importKey = createKeyImporter(2)
    const keys = await Promise.all([1, 2, 3].map(async () => (await generateSigningKey()).key))
    for (const { jwk, kid } of [...keys, ...keys, ...keys.toReversed()]) {
      expect(await importKey(jwk)).toMatchObject({ kid, jwk })
    }
  })

  it('keeps a key that is in use, and imports one again that was not for long', async () => {
    const importKey = createKeyImporter(2)
    const keys = await Promise.all([1, 2, 3].map(async () => (await generateSigningKey()).key))
    const [one, two, three] = keys.map(({ jwk }) => jwk)
    if (one === undefined || two === undefined || three === undefined) throw new Error('no keys')
    const first = await importKey(one)
    const second = await importKey(two)
    expect(await importKey(one)).toBe(first)
    await importKey(three)
    expect(await importKey(one)).toBe(first)
    expect(await importKey(two)).not.toBe(second)
  })

  it('refuses what is no key every time, also beside one that it knows', async () => {
    const importKey = createKeyImporter()
    const { jwk } = (await generateSigningKey()).key
    await importKey(jwk)
    const smallOrder = { ...jwk, x: 'A'.repeat(43) }
    const withSecret = { ...jwk, d: jwk.x }
    for (const refused of [smallOrder, smallOrder, withSecret]) {
      await expect(importKey(refused)).rejects.toMatchObject({ code: 'KEY_INVALID' })
    }
  })
})
