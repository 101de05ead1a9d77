import { describe, expect, it } from 'vitest'
import { createKeyRing } from '../../../../cloud/fleet/key-ring.ts'
import { generateSigningKey } from '../../../../shared/jws.ts'

async function makeKeys(count: number) {
  const keys = Array.from({ length: count }, async () => (await generateSigningKey()).key)
  return Promise.all(keys)
}

describe('createKeyRing', () => {
  it('knows each key by its thumbprint, with the host that it was learnt of', async () => {
    const ring = createKeyRing()
    const keys = await makeKeys(3)
    for (const [n, { jwk, kid }] of keys.entries()) {
      expect(ring.known(kid)).toBeUndefined()
      expect(await ring.learn(`host-${n}`, jwk)).toMatchObject({ kid, jwk, host: `host-${n}` })
    }
    for (const [n, { kid }] of keys.entries()) {
      expect(ring.known(kid)).toMatchObject({ kid, host: `host-${n}` })
    }
  })

  it('keeps a key that is in use, and forgets the one that was not for longest', async () => {
    const ring = createKeyRing(2)
    const [one, two, three] = await makeKeys(3)
    if (one === undefined || two === undefined || three === undefined) throw new Error('no keys')
    await ring.learn('one', one.jwk)
    await ring.learn('two', two.jwk)
    expect(ring.known(one.kid)).toBeDefined()
    await ring.learn('three', three.jwk)
    expect(ring.known(one.kid)?.host).toBe('one')
    expect(ring.known(two.kid)).toBeUndefined()
    expect(ring.known(three.kid)?.host).toBe('three')
  })

  it('refuses what is no key every time, also beside one that it knows', async () => {
    const ring = createKeyRing()
    const [key] = await makeKeys(1)
    if (key === undefined) throw new Error('no key')
    await ring.learn('home', key.jwk)
    const smallOrder = { ...key.jwk, x: 'A'.repeat(43) }
    const withSecret = { ...key.jwk, d: key.jwk.x }
    for (const refused of [smallOrder, smallOrder, withSecret]) {
      await expect(ring.learn('home', refused)).rejects.toMatchObject({ code: 'KEY_INVALID' })
    }
  })
})
