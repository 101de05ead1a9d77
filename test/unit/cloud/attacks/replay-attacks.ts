import { expect } from 'vitest'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { CLOUD_URL } from '../../../fakes/test-cloud.ts'
import { aaaa, www } from '../app-checks.ts'
import { type Answered, type Attack, claim, resignedWith, type Scene } from './attack.ts'

const DAY_MS = 86_400_000
const toElsewhere = { prefix: { current: parsePrefix('2001:db8:2::/64'), cause: 'flash' as const } }
const elsewhere = { ...toElsewhere, records: [aaaa(www, '2001:db8:2::1')] }

/** A report signed for another place. */
function signedFor(name: string, url: string, headers: Record<string, string> = {}): Attack {
  return {
    name,
    code: 'URL_MISMATCH',
    prepare: async ({ home }) => ({
      body: await home.sign(home.reportOf(), { url }),
      headers: { 'content-type': 'application/jose', ...headers },
    }),
  }
}

/** A report of an earlier sequence, or one far ahead. */
function withSequence(name: string, code: string, seq: (nowMs: number) => number): Attack {
  return {
    name,
    code,
    prepare: async ({ cloud, home }) => ({
      body: await home.sign(home.reportOf({ seq: seq(cloud.clock.ms) })),
    }),
  }
}

/** The report was answered by a nonce, and then accepted with it. */
async function useNonce({ cloud, home }: Scene) {
  const report = home.reportOf()
  const asked = await home.post(await home.sign(report, { iat: 1000 }))
  expect(asked.body.code).toBe('USE_NONCE')
  const header = { iat: 1000, nonce: String(asked.body.nonce) }
  const accepted = await home.post(await home.sign(report, header))
  expect(accepted.response.status).toBe(200)
  return { cloud, report, header }
}

function withNonce(name: string, nonce: (scene: Scene) => Promise<string> | string): Attack {
  return {
    name,
    code: 'USE_NONCE',
    prepare: async (scene) => {
      const header = { iat: 1000, nonce: await nonce(scene) }
      return { body: await scene.home.sign(scene.home.reportOf(), header) }
    },
  }
}

/** Attacks by what was signed for another place or time. */
export const REPLAY_ATTACKS: readonly Answered[] = [
  {
    row: 'a report for another cloud or stage',
    attacks: [
      signedFor('url/other-cloud', 'https://evil.example/v1/reports'),
      signedFor('url/other-cloud-with-its-host-header', 'https://evil.example/v1/reports', {
        host: 'evil.example',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
      }),
      signedFor('url/other-stage', `${CLOUD_URL}/stage/v1/reports`),
      signedFor('url/other-scheme', `${CLOUD_URL.replace('https', 'http')}/v1/reports`),
      signedFor('url/other-case', `${CLOUD_URL.replace('cloud', 'Cloud')}/v1/reports`),
      signedFor('url/with-its-port', `${CLOUD_URL}:443/v1/reports`),
      signedFor('url/slash-at-the-end', `${CLOUD_URL}/v1/reports/`),
      signedFor('url/with-a-query', `${CLOUD_URL}/v1/reports?stage=2`),
      signedFor('url/of-rotations', `${CLOUD_URL}/v1/rotate`),
    ],
  },
  {
    row: 'an old report again',
    attacks: [
      {
        name: 'replay/older-prefix',
        code: 'same-answer',
        prepare: async ({ cloud, home }) => {
          const { jws } = await home.report(elsewhere)
          await home.report()
          cloud.clock.ms += 2 * DAY_MS
          return { body: jws }
        },
      },
      {
        name: 'replay/older-prefix-never-sent',
        code: 'SEQUENCE_STALE',
        prepare: async ({ home }) => {
          const jws = await home.sign(home.reportOf(elsewhere))
          await home.report()
          return { body: jws }
        },
      },
      {
        name: 'replay/same-sequence-other-bytes',
        code: 'SEQUENCE_REUSED',
        prepare: async ({ home }) => {
          const { jws } = await home.report()
          const toAttacker = (p: string) => p.replace('1::1"', '1::bad"')
          return { body: await resignedWith(jws, home.key, { payload: toAttacker }) }
        },
      },
      {
        name: 'replay/of-a-denial',
        code: 'POLICY_NAME',
        prepare: async ({ home }) => {
          const denied = await home.sign(home.reportOf(claim('mail.example.org')))
          expect((await home.post(denied)).body.code).toBe('POLICY_NAME')
          expect((await home.report()).response.status).toBe(200)
          return { body: denied }
        },
      },
      withSequence('sequence/one-before-the-last', 'SEQUENCE_STALE', (nowMs) => nowMs),
      withSequence('sequence/1', 'SEQUENCE_STALE', () => 1),
    ],
  },
  {
    row: 'a sequence far ahead, to lock the host out',
    attacks: [
      withSequence('sequence/a-day-ahead', 'SEQUENCE_TOO_FAR', (nowMs) => nowMs + DAY_MS + 1),
      withSequence('sequence/2^53-1', 'SEQUENCE_TOO_FAR', () => Number.MAX_SAFE_INTEGER),
      withSequence('sequence/2^53', 'REPORT_INVALID', () => 2 ** 53),
    ],
  },
  {
    row: 'a clock that was set wrong, or a nonce that is used again, foreign, old or forged',
    attacks: [
      {
        name: 'clock/behind',
        code: 'USE_NONCE',
        prepare: async ({ cloud, home }) => {
          const iat = Math.floor(cloud.clock.ms / 1000) - 301
          return { body: await home.sign(home.reportOf(), { iat }) }
        },
      },
      {
        name: 'clock/ahead',
        code: 'USE_NONCE',
        prepare: async ({ cloud, home }) => {
          const iat = Math.floor(cloud.clock.ms / 1000) + 301
          return { body: await home.sign(home.reportOf(), { iat }) }
        },
      },
      {
        name: 'nonce/again-with-the-same-sequence',
        code: 'SEQUENCE_REUSED',
        prepare: async (scene) => {
          const { report, header } = await useNonce(scene)
          return { body: await scene.home.sign({ ...report, records: [] }, header) }
        },
      },
      {
        name: 'nonce/again-with-a-lower-sequence',
        code: 'SEQUENCE_STALE',
        prepare: async (scene) => {
          const { report, header } = await useNonce(scene)
          return { body: await scene.home.sign({ ...report, seq: report.seq - 100 }, header) }
        },
      },
      {
        name: 'nonce/again-after-two-minutes',
        code: 'USE_NONCE',
        prepare: async (scene) => {
          const { cloud, header } = await useNonce(scene)
          cloud.clock.ms += 121_000
          return { body: await scene.home.sign(scene.home.reportOf(), header) }
        },
      },
      withNonce('nonce/of-another-key', ({ cloud, thief }) =>
        cloud.deps.nonces.issue(thief.key.kid, cloud.clock.ms),
      ),
      withNonce('nonce/of-the-future', ({ cloud, home }) =>
        cloud.deps.nonces.issue(home.key.kid, cloud.clock.ms + 1000),
      ),
      withNonce('nonce/forged', ({ cloud }) => {
        return `${Math.floor(cloud.clock.ms / 1000)}.${'A'.repeat(43)}`
      }),
      withNonce('nonce/no-nonce-at-all', () => 'x'),
    ],
  },
  {
    row: 'an answer that was lost, a cloud killed anywhere',
    attacks: [
      {
        name: 'lost-answer/posted-again',
        code: 'same-answer',
        prepare: async ({ home }) => ({ body: (await home.report(elsewhere)).jws }),
      },
      {
        name: 'lost-answer/applied-twice-at-once',
        code: 'same-answer',
        prepare: async ({ home }) => {
          const jws = await home.sign(home.reportOf(elsewhere))
          const answers = await Promise.all([1, 2, 3].map(() => home.post(jws)))
          expect(answers.map(({ response }) => response.status)).toEqual([200, 200, 200])
          expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
          return { body: jws }
        },
      },
    ],
  },
]
