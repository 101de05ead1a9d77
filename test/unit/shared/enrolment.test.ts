import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { generateNoteSigner } from '../../../shared/checkpoint.ts'
import { type JoinString, parseCloudUrl, parseJoin, renderJoin } from '../../../shared/join.ts'
import {
  deriveMacKey,
  generateSigningKey,
  parseEnrolmentJws,
  type SigningKey,
  signEnrolment,
  verifyEnrolmentJws,
} from '../../../shared/jws.ts'

let key: SigningKey
let join: JoinString

beforeAll(async () => {
  key = (await generateSigningKey()).key
  const { signer } = await generateNoteSigner('reprefix.example.org')
  join = {
    url: 'https://reprefix.example.org',
    vkey: signer.vkey,
    token: 'tok_1',
    secret: crypto.getRandomValues(new Uint8Array(16)),
  }
})

describe('a join string', () => {
  it('is one word that holds everything', () => {
    const text = renderJoin(join)
    expect(text).toMatch(/^rpj1-[\w-]+$/)
    expect(parseJoin(text)).toEqual(join)
    expect(parseJoin(` ${text}\n`)).toEqual(join)
  })

  it('is refused when cut off or altered, and no error shows a part of it', () => {
    const text = renderJoin(join)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: text.length - 1 }), (end) => {
        try {
          parseJoin(text.slice(0, end))
          expect.unreachable()
        } catch (error) {
          expect(error).toMatchObject({ code: 'JOIN_INVALID' })
          const message = error instanceof Error ? error.message : ''
          expect(message).not.toContain(Buffer.from(join.secret).toString('base64url').slice(0, 8))
          if (end > 12) expect(message).not.toContain(text.slice(5, 13))
        }
      }),
    )
  })

  it.each([
    ['a file URL', ['file:///etc/passwd', 'a+00000000+AA==', 't', 'AAAAAAAAAAAAAAAAAAAAAA']],
    [
      'credentials in the URL',
      ['https://u:p@x/', 'a+00000000+AA==', 't', 'AAAAAAAAAAAAAAAAAAAAAA'],
    ],
    ['no key', ['https://x', 'a', 't', 'AAAAAAAAAAAAAAAAAAAAAA']],
    ['a short secret', ['https://x', 'a+00000000+AA==', 't', 'AAAA']],
    ['a fifth member', ['https://x', 'a+00000000+AA==', 't', 'AAAAAAAAAAAAAAAAAAAAAA', 1]],
    ['an object', { url: 'https://x' }],
  ])('is refused with %s', (_, members) => {
    const text = `rpj1-${Buffer.from(JSON.stringify(members)).toString('base64url')}`
    expect(() => parseJoin(text)).toThrow(expect.objectContaining({ code: 'JOIN_INVALID' }))
  })
})

describe('an enrolment', () => {
  it('proves the token and the key without sending the secret', async () => {
    const text = await signEnrolment(join, key, 1_767_225_600)
    const jws = parseEnrolmentJws(text)
    expect(jws).toMatchObject({
      tokenId: 'tok_1',
      url: 'https://reprefix.example.org/v1/enroll',
      iat: 1_767_225_600,
      jwk: key.jwk,
    })
    const verified = await verifyEnrolmentJws(jws, await deriveMacKey(join.secret))
    expect(verified.kid).toBe(key.kid)
    const sent = text
      .split('.')
      .map((part) => Buffer.from(part, 'base64url').toString('latin1'))
      .join()
    expect(sent).not.toContain(Buffer.from(join.secret).toString('base64url'))
  })

  it('is refused with another secret', async () => {
    const jws = parseEnrolmentJws(await signEnrolment(join, key, 1))
    await expect(
      verifyEnrolmentJws(jws, await deriveMacKey(new Uint8Array(16))),
    ).rejects.toMatchObject({
      code: 'JWS_SIGNATURE',
    })
  })

  it('cannot be redirected to another key: the outer key must be the bound one', async () => {
    const { key: thief } = await generateSigningKey()
    const stolen = (await signEnrolment(join, key, 1)).split('.')[1] ?? ''
    const jwk = { crv: 'Ed25519', kty: 'OKP', x: thief.jwk.x }
    const url = `${join.url}/v1/enroll`
    for (const bound of [jwk, { ...key.jwk }]) {
      const head = { alg: 'Ed25519', typ: 'reprefix-enroll+jws', jwk: bound, url, iat: 1 }
      const input = `${Buffer.from(JSON.stringify(head)).toString('base64url')}.${stolen}`
      const signature = await crypto.subtle.sign('Ed25519', thief.privateKey, Buffer.from(input))
      const text = `${input}.${Buffer.from(signature).toString('base64url')}`
      const macKey = await deriveMacKey(join.secret)
      await expect(
        (async () => verifyEnrolmentJws(parseEnrolmentJws(text), macKey))(),
      ).rejects.toMatchObject({
        code: expect.stringMatching(/^JWS_/),
      })
    }
  })

  it('cannot be replayed to another URL', async () => {
    const text = await signEnrolment(join, key, 1)
    const inner = text.split('.')[1] ?? ''
    const head = {
      alg: 'Ed25519',
      typ: 'reprefix-enroll+jws',
      jwk: key.jwk,
      url: 'https://evil.example/v1/enroll',
      iat: 1,
    }
    const input = `${Buffer.from(JSON.stringify(head)).toString('base64url')}.${inner}`
    const signature = await crypto.subtle.sign('Ed25519', key.privateKey, Buffer.from(input))
    expect(() =>
      parseEnrolmentJws(`${input}.${Buffer.from(signature).toString('base64url')}`),
    ).toThrow(expect.objectContaining({ code: 'JWS_MALFORMED' }))
  })
  it('has one spelling: a byte order mark before the inner JWS is refused', async () => {
    const [head = '', inner = ''] = (await signEnrolment(join, key, 1)).split('.')
    const marked = Buffer.from(`\uFEFF${Buffer.from(inner, 'base64url')}`).toString('base64url')
    const input = Buffer.from(`${head}.${marked}`)
    const signature = await crypto.subtle.sign('Ed25519', key.privateKey, input)
    expect(() =>
      parseEnrolmentJws(`${input}.${Buffer.from(signature).toString('base64url')}`),
    ).toThrow(expect.objectContaining({ code: 'JWS_MALFORMED' }))
  })
})

describe('the URL of a cloud', () => {
  it('is refused at once when it is longer than any header holds', () => {
    const text = `https://cloud.example.org/${'/'.repeat(60_000)}x`
    const startedAt = performance.now()
    expect(() => parseCloudUrl(text)).toThrow(expect.objectContaining({ code: 'URL_INVALID' }))
    expect(performance.now() - startedAt).toBeLessThan(500)
  })
})
