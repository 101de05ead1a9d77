import { describe, expect, it } from 'vitest'
import {
  digestOf,
  importVerificationKey,
  parseReportJws,
  verifyReportJws,
} from '../../../shared/jws.ts'
import { readVectors } from '../../vectors/read.ts'
import type { ReportVectors } from '../../vectors/shapes.ts'
import { verdictOf } from './verdict.ts'

const { key, vectors } = await readVectors<ReportVectors>('reports.json')
const verifier = await importVerificationKey(key.jwk)

describe('reports.json', () => {
  it.each(vectors)('$name: $verdict', async ({ jws, digest, payload, verdict }) => {
    expect(await verdictOf(() => verifyReportJws(parseReportJws(jws), verifier))).toBe(verdict)
    if (verdict !== 'ok') return
    expect(await digestOf(jws)).toBe(digest)
    const report = await verifyReportJws(parseReportJws(jws), verifier)
    expect(report).toEqual(JSON.parse(payload ?? ''))
  })

  it.each(vectors)('$name: the form alone tells JWS_MALFORMED', async ({ jws, verdict }) => {
    const isMalformed = verdict === 'JWS_MALFORMED'
    expect(await verdictOf(() => parseReportJws(jws))).toBe(isMalformed ? verdict : 'ok')
  })

  it('names each vector once', () => {
    expect(new Set(vectors.map(({ name }) => name)).size).toBe(vectors.length)
  })
})
