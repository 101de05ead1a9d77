import { describe, expect, it } from 'vitest'
import { encodeBase64url } from '../../../shared/base64.ts'
import { importPublicKey, verifyEd25519 } from '../../../shared/ed25519.ts'
import { importSigningKey, importVerificationKey } from '../../../shared/jws.ts'
import { readVectors } from '../../vectors/read.ts'
import type { KeyVectors } from '../../vectors/shapes.ts'
import { fromHex } from '../shared/hex.ts'
import { verdictOf } from './verdict.ts'

const { good, refused, refusedPrivate, signatures } = await readVectors<KeyVectors>('keys.json')

describe('keys.json', () => {
  it.each(good)('has the thumbprint of $name', async ({ seedHex, jwk, kid }) => {
    expect((await importVerificationKey(jwk)).kid).toBe(kid)
    const d = encodeBase64url(fromHex(seedHex))
    expect((await importSigningKey({ ...jwk, d })).kid).toBe(kid)
  })

  it('has the published thumbprint of RFC 8037 appendix A.3', () => {
    const { kid } = good.find(({ name }) => name === 'RFC 8037 appendix A') ?? {}
    expect(kid).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  })

  it.each(refused)('refuses $name', async ({ jwk, code }) => {
    expect(await verdictOf(() => importVerificationKey(jwk))).toBe(code)
  })

  it.each(refusedPrivate)('refuses the private key $name', async ({ jwk, code }) => {
    expect(await verdictOf(() => importSigningKey(jwk))).toBe(code)
  })

  it.each(signatures)('verifies $source', async ({ publicKeyHex, messageHex, signatureHex }) => {
    const key = await importPublicKey(fromHex(publicKeyHex))
    const [message, signature] = [fromHex(messageHex), fromHex(signatureHex)]
    expect(await verifyEd25519(key, signature, message)).toBe(true)
    expect(await verifyEd25519(key, signature, Uint8Array.from([...message, 0]))).toBe(false)
  })
})
