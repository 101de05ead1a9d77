import { createVerify, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signRs512 } from '../../../shared/rsa-signature.ts'

const bytes = new TextEncoder().encode('{"login":"alice"}')
const pairOf = (type: 'pkcs8' | 'pkcs1') =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type, format: 'pem' },
  })
const { privateKey, publicKey } = pairOf('pkcs8')
const isSigned = (signature: Uint8Array) =>
  createVerify('RSA-SHA512').update(bytes).verify(publicKey, signature)

describe('signRs512', () => {
  it.each([
    ['as it is', privateKey],
    ['with the line ends of another system', privateKey.replaceAll('\n', '\r\n')],
    ['on one line', privateKey.replaceAll('\n', ' ')],
  ])('signs with a key %s', async (_, pem) => {
    expect(isSigned(await signRs512(bytes, pem))).toBe(true)
  })

  const { privateKey: elliptic } = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  it.each([
    ['is damaged', privateKey.replace('MII', 'XXX')],
    ['is cut off', privateKey.slice(0, 200)],
    ['lacks a letter', privateKey.replace(/.\n-----END/, '\n-----END')],
    ['has the older form', pairOf('pkcs1').privateKey],
    ['is of another kind', elliptic],
    ['is public', publicKey],
    ['is none', ''],
  ])('refuses a key that %s, and shows nothing of it', async (_, pem) => {
    const refused = signRs512(bytes, pem)
    await expect(refused).rejects.toMatchObject({ code: 'KEY_INVALID' })
    await expect(refused).rejects.toThrow(/^the private key is not an RSA key in PEM/)
  })
})
