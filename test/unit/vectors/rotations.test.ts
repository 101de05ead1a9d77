import { describe, expect, it } from 'vitest'
import { importVerificationKey } from '../../../shared/jws.ts'
import { parseRotationJws, verifyRotationJws } from '../../../shared/rotation.ts'
import { readVectors } from '../../vectors/read.ts'
import type { RotationVectors } from '../../vectors/shapes.ts'
import { verdictOf } from './verdict.ts'

const { key, successor, vectors } = await readVectors<RotationVectors>('rotations.json')
const present = await importVerificationKey(key.jwk)

describe('rotations.json', () => {
  it.each(vectors)('$name: $verdict', async ({ jws, verdict }) => {
    const verify = () => verifyRotationJws(parseRotationJws(jws), present)
    expect(await verdictOf(verify)).toBe(verdict)
    if (verdict === 'ok') expect((await verify()).kid).toBe(successor.kid)
  })
})
