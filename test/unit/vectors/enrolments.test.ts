import { describe, expect, it } from 'vitest'
import { parseJoin } from '../../../shared/join.ts'
import { deriveMacKey, parseEnrolmentJws, verifyEnrolmentJws } from '../../../shared/jws.ts'
import { readVectors } from '../../vectors/read.ts'
import type { EnrolmentVectors } from '../../vectors/shapes.ts'
import { fromHex, toHex } from '../shared/hex.ts'
import { verdictOf } from './verdict.ts'

const { joins, macKeys, key, macKeyHex, enrolments } =
  await readVectors<EnrolmentVectors>('enrolments.json')

describe('enrolments.json', () => {
  it.each(joins)('join string $name: $verdict', async ({ join, verdict, ...expected }) => {
    expect(await verdictOf(() => parseJoin(join))).toBe(verdict)
    if (verdict !== 'ok') return
    const { url, vkey, token, secret } = parseJoin(join)
    expect({ url, vkey, token, secretHex: toHex(secret) }).toEqual({
      url: expected.url,
      vkey: expected.vkey,
      token: expected.token,
      secretHex: expected.secretHex,
    })
  })

  it.each(macKeys)('MAC key of $secretHex', async ({ secretHex, macKeyHex: expected }) => {
    expect(toHex(await deriveMacKey(fromHex(secretHex)))).toBe(expected)
  })

  it.each(enrolments)('$name: $verdict', async ({ jws, verdict }) => {
    const verify = () => verifyEnrolmentJws(parseEnrolmentJws(jws), fromHex(macKeyHex))
    expect(await verdictOf(verify)).toBe(verdict)
    if (verdict === 'ok') expect((await verify()).kid).toBe(key.kid)
  })
})
