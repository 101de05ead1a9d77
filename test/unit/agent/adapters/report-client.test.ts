import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { postReport } from '../../../../agent/adapters/report-client.ts'
import { postTo } from '../../../fakes/http-post.ts'

type Answer = { status: number; body?: unknown; headers?: Record<string, string> }

/** Posts to a cloud that gives this answer, and keeps what it was sent. */
async function post(answer: Answer | Error) {
  const seen: { url: string; type: string | undefined; body: string }[] = []
  const app = new Hono()
  app.post('/base/v1/reports', async (context) => {
    const { url } = context.req
    seen.push({ url, type: context.req.header('content-type'), body: await context.req.text() })
    if (answer instanceof Error) throw answer
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
    return new Response(text, { status: answer.status, headers: answer.headers ?? {} })
  })
  const verdict = await postReport('https://cloud.example/base', 'a.b.c', {
    timeoutMs: 1000,
    post: postTo(async (request) => {
      if (answer instanceof Error) throw answer
      return app.request(request)
    }),
  })
  return { verdict, seen }
}

const problem = (code: string, more: Record<string, unknown> = {}) => ({
  type: 'about:blank',
  code,
  detail: `because of ${code}`,
  ...more,
})

describe('posting a report', () => {
  it('sends the bytes as they are to the reports of the configured cloud', async () => {
    const { seen } = await post({ status: 200, body: {} })
    expect(seen).toEqual([
      { url: 'https://cloud.example/base/v1/reports', type: 'application/jose', body: 'a.b.c' },
    ])
  })

  it.each<[string, Answer | Error, object]>([
    [
      'receipt',
      { status: 200, body: { entry: 'e' } },
      { kind: 'receipt', receipt: { entry: 'e' } },
    ],
    ['receipt/not-json', { status: 200, body: '<html>' }, { kind: 'unavailable' }],
    [
      'pending/body',
      { status: 202, body: { status: 'pending', retryAfterSeconds: 3 } },
      { kind: 'pending', retryMs: 3000 },
    ],
    [
      'pending/header-first',
      { status: 202, body: { retryAfterSeconds: 3 }, headers: { 'retry-after': '7' } },
      { kind: 'pending', retryMs: 7000 },
    ],
    ['pending/nothing-said', { status: 202, body: {} }, { kind: 'pending', retryMs: 1000 }],
    [
      'nonce',
      { status: 401, body: problem('USE_NONCE', { nonce: 'n1' }) },
      { kind: 'use-nonce', nonce: 'n1' },
    ],
    [
      'signature',
      { status: 401, body: problem('JWS_SIGNATURE') },
      { kind: 'refused', status: 401, code: 'JWS_SIGNATURE', detail: 'because of JWS_SIGNATURE' },
    ],
    [
      'sequence',
      { status: 409, body: problem('SEQUENCE_STALE', { seq: 41 }) },
      { kind: 'sequence', current: 41, detail: 'because of SEQUENCE_STALE' },
    ],
    ['sequence/unsaid', { status: 409, body: problem('X') }, { kind: 'sequence', current: null }],
    [
      'policy',
      { status: 403, body: problem('POLICY_NAME') },
      { kind: 'refused', code: 'POLICY_NAME' },
    ],
    [
      'malformed',
      { status: 400, body: problem('JWS_MALFORMED') },
      { kind: 'refused', status: 400 },
    ],
    ['size', { status: 413, body: problem('BODY_TOO_LARGE') }, { kind: 'refused', status: 413 }],
    ['type', { status: 415, body: 'no' }, { kind: 'refused', code: 'unknown', detail: 'HTTP 415' }],
    [
      'rate',
      { status: 429, body: problem('RATE'), headers: { 'retry-after': '60' } },
      { kind: 'unavailable', retryMs: 60_000 },
    ],
    [
      'log/busy',
      { status: 503, body: problem('STORE_BUSY') },
      { kind: 'unavailable', retryMs: null },
    ],
    ['gateway', { status: 502, body: '<html>' }, { kind: 'unavailable', reason: 'HTTP 502' }],
    [
      'redirect',
      { status: 307, headers: { location: 'https://other.example/' }, body: '' },
      { kind: 'unavailable', reason: 'HTTP 307' },
    ],
    ['wrong-path', { status: 404, body: 'not found' }, { kind: 'unavailable' }],
    ['lost', new Error('ECONNRESET'), { kind: 'unavailable', reason: 'ECONNRESET', retryMs: null }],
  ])('judges %s', async (_, answer, expected) => {
    expect((await post(answer)).verdict).toMatchObject(expected)
  })

  it('gives up after its time and keeps the report', async () => {
    const verdict = await postReport('https://cloud.example', 'a.b.c', {
      timeoutMs: 10,
      post: (_url, _body, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
    })
    expect(verdict).toMatchObject({
      kind: 'unavailable',
      reason: expect.stringMatching(/timeout/i),
    })
  })
})
