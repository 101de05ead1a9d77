import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { type Answered, type Attack, claim, type Strike } from './attack.ts'

const JOSE = { 'content-type': 'application/jose' }
const LIMIT = 16_384

function endless(name: string, path: string): Attack {
  let pulled = 0
  const prepare = (): Strike => ({
    path,
    body: new ReadableStream({
      pull(controller) {
        pulled++
        // The limit, what was read too much, and what a stream keeps ready.
        expect(pulled).toBeLessThan(LIMIT / 4096 + 6)
        controller.enqueue(new Uint8Array(4096))
      },
    }),
  })
  return { name, code: 'BODY_TOO_LARGE', prepare }
}

function plain(name: string, code: string, strike: Strike): Attack {
  return { name, code, prepare: () => strike }
}

/** Attacks by the body, before anything in it is believed. */
export const BODY_ATTACKS: readonly Answered[] = [
  {
    row: 'a huge, endless, compressed or deeply nested body',
    attacks: [
      plain('body/oversize', 'BODY_TOO_LARGE', { body: 'x'.repeat(LIMIT + 1) }),
      plain('body/length-that-lies', 'BODY_TOO_LARGE', {
        body: 'x'.repeat(LIMIT + 1),
        headers: { ...JOSE, 'content-length': '10' },
      }),
      plain('body/length-announced', 'BODY_TOO_LARGE', {
        body: 'x',
        headers: { ...JOSE, 'content-length': '1000000000' },
      }),
      endless('body/chunked-and-endless', '/v1/reports'),
      endless('body/endless-enrolment', '/v1/enroll'),
      endless('body/endless-rotation', '/v1/rotate'),
      {
        name: 'body/compressed',
        code: 'CONTENT_TYPE',
        prepare: async ({ home }) => ({
          body: gzipSync(await home.sign(home.reportOf())),
          headers: { ...JOSE, 'content-encoding': 'gzip' },
        }),
      },
      {
        name: 'body/compressed-without-saying-so',
        code: 'REQUEST_INVALID',
        prepare: async ({ home }) => ({ body: gzipSync(await home.sign(home.reportOf())) }),
      },
      {
        name: 'body/as-a-form-of-another-site',
        code: 'CONTENT_TYPE',
        prepare: async ({ home }) => ({
          body: await home.sign(home.reportOf()),
          headers: { 'content-type': 'text/plain' },
        }),
      },
      {
        name: 'body/no-content-type',
        code: 'CONTENT_TYPE',
        prepare: async ({ home }) => ({ body: await home.sign(home.reportOf()), headers: {} }),
      },
      plain('body/deep-json', 'JWS_MALFORMED', {
        body: `${'['.repeat(8000)}${']'.repeat(8000)}`,
      }),
      {
        name: 'body/more-names-than-permitted',
        code: 'REPORT_INVALID',
        prepare: async ({ home }) => {
          const records = Array.from({ length: 65 }, (_, i) => claim(`n${i}.home.example.org`))
          const all = { records: records.flatMap((one) => one.records) }
          return { body: await home.sign(home.reportOf(all)) }
        },
      },
    ],
  },
]
