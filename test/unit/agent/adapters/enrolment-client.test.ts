import { describe, expect, it } from 'vitest'
import { enrol } from '../../../../agent/adapters/enrolment-client.ts'
import { generateNoteSigner, signCheckpoint } from '../../../../shared/checkpoint.ts'
import { renderEntry } from '../../../../shared/entry.ts'
import type { JoinString } from '../../../../shared/join.ts'
import {
  deriveMacKey,
  importVerificationKey,
  parseEnrolmentJws,
  verifyEnrolmentJws,
} from '../../../../shared/jws.ts'
import { leafHash } from '../../../../shared/merkle.ts'
import { renderTlogProof } from '../../../../shared/tlog-proof.ts'
import { postTo } from '../../../fakes/http-post.ts'

const SECRET = new Uint8Array(16).fill(7)
const NOW = Date.parse('2026-01-31T12:00:00Z')

/** A cloud whose log has one entry, the enrolment it was just asked for. */
async function cloud(change: (receipt: Record<string, unknown>) => unknown = (same) => same) {
  const { signer } = await generateNoteSigner('cloud.example')
  const join: JoinString = {
    url: 'https://cloud.example',
    vkey: signer.vkey,
    token: 'token-1',
    secret: SECRET,
  }
  const asked: string[] = []
  const answer = async (request: Request): Promise<Response> => {
    expect(request.url).toBe('https://cloud.example/v1/enroll')
    const text = await request.text()
    asked.push(text)
    const key = await verifyEnrolmentJws(parseEnrolmentJws(text), await deriveMacKey(SECRET))
    const entry = renderEntry({
      v: 1,
      kind: 'enroll',
      at: '2026-01-31T12:00:00Z',
      host: 'home',
      kid: key.kid,
      jws: text,
      token: 'token-1',
    })
    const root = await leafHash(new TextEncoder().encode(entry))
    const checkpoint = await signCheckpoint({ origin: 'cloud.example', size: 1, root }, signer)
    const receipt = {
      entry,
      proof: renderTlogProof({ index: 0, hashes: [], checkpoint }),
      consistency: [],
      result: { host: 'home', names: ['*.example.org'], types: ['AAAA'], prefixes: ['2000::/3'] },
    }
    return Response.json(change(receipt))
  }
  return { join, asked, answer }
}

const parts = (
  answer: Parameters<typeof postTo>[0],
  kept: unknown[] = [],
  pendingKey?: unknown,
) => ({
  pendingKey,
  keepKey: async (jwk: unknown) => void kept.push(jwk),
  now: () => NOW,
  post: postTo(answer),
})

describe('enrolling', () => {
  it('believes only what the log proves, and keeps it', async () => {
    const { join, answer } = await cloud()
    const kept: unknown[] = []
    const made = await enrol(join, parts(answer, kept))
    expect(made.enrolment).toEqual({
      url: 'https://cloud.example',
      vkey: join.vkey,
      host: 'home',
      key: kept[0],
    })
    expect(made.reporting).toMatchObject({ sequence: 0, witness: { size: 1 }, claim: null })
    expect(made.granted.names).toEqual(['*.example.org'])
  })

  it('never sends the secret or the private key', async () => {
    const { join, asked, answer } = await cloud()
    const kept: unknown[] = []
    await enrol(join, parts(answer, kept))
    const sent = asked.join() + Buffer.from(asked[0]?.split('.')[0] ?? '', 'base64url').toString()
    expect(sent).not.toContain(Buffer.from(SECRET).toString('base64url'))
    expect(sent).not.toContain((kept[0] as { d: string }).d)
  })

  it('asks again with the key of an attempt whose answer was lost', async () => {
    const { join, asked, answer } = await cloud()
    const kept: unknown[] = []
    const lost = () => Promise.reject(new Error('ECONNRESET'))
    await expect(enrol(join, parts(lost, kept))).rejects.toMatchObject({
      code: 'CLOUD_UNREACHABLE',
      message: expect.stringContaining('ECONNRESET'),
    })
    await enrol(join, parts(answer, [], kept[0]))
    const { d: _, ...jwk } = kept[0] as { d: string }
    const key = await importVerificationKey(parseEnrolmentJws(asked[0] ?? '').jwk)
    expect(key).toMatchObject({ jwk })
  })

  it.each<[string, (receipt: Record<string, unknown>) => unknown]>([
    [
      'another host in the result',
      (r) => ({ ...r, result: { ...Object(r.result), host: 'evil' } }),
    ],
    ['no proof', (r) => ({ ...r, proof: 'x' })],
    ['another entry', (r) => ({ ...r, entry: String(r.entry).replace('"home"', '"evil"') })],
    ['nothing at all', () => ({})],
  ])('refuses an answer with %s', async (_, change) => {
    const { join, answer } = await cloud(change)
    await expect(enrol(join, parts(answer))).rejects.toMatchObject({ code: 'RECEIPT_INVALID' })
  })

  it('refuses a log signed by another key than the join string names', async () => {
    const { answer } = await cloud()
    const { join: other } = await cloud()
    await expect(enrol(other, parts(answer))).rejects.toMatchObject({ code: 'RECEIPT_INVALID' })
  })

  it.each([
    [
      'problem',
      Response.json({ code: 'TOKEN_USED', detail: 'used' }, { status: 403 }),
      'TOKEN_USED',
    ],
    ['html', new Response('<html>', { status: 502 }), 'HTTP 502'],
  ])('says why it was refused (%s)', async (_, response, expected) => {
    const { join } = await cloud()
    await expect(
      enrol(
        join,
        parts(async () => response),
      ),
    ).rejects.toMatchObject({
      code: 'ENROLMENT_REFUSED',
      message: expect.stringContaining(expected),
    })
  })
})
