import { decodeBase64, encodeBase64 } from '../../shared/base64.ts'
import { importNoteSigner } from '../../shared/checkpoint.ts'
import { parseJoin, renderJoin } from '../../shared/join.ts'
import { signEnrolment, signReport } from '../../shared/jws.ts'
import { EMPTY_ROOT } from '../../shared/merkle.ts'
import type { Report } from '../../shared/report.ts'
import { signRotation } from '../../shared/rotation.ts'
import { parseTlogProof } from '../../shared/tlog-proof.ts'
import { ADMIN_TOKEN, CLOUD_URL, NONCE_SECRET, startTestCloud, ZONE } from '../fakes/test-cloud.ts'
import { fromHex, toHex } from '../unit/shared/hex.ts'
import { PAYLOAD } from './report-payloads.ts'
import type { Expected, SequenceVectors, Step, StoreFault } from './shapes.ts'
import { keyOf, noteSignerOf, seedOf, type VectorKey } from './signing.ts'

export const STARTS_AT = '2026-03-01T12:00:00.000Z'
export const JOSE = { 'content-type': 'application/jose' }
const REPORTS_URL = `${CLOUD_URL}/v1/reports`
const ROTATE_URL = `${CLOUD_URL}/v1/rotate`

/** The cloud that sequences are played against. */
export async function describeCloud(): Promise<SequenceVectors['cloud']> {
  const { signer, secret } = await noteSignerOf('cloud.example.org')
  return {
    url: CLOUD_URL,
    zone: ZONE,
    ttl: 60,
    providers: ['first', 'second'],
    peer: '192.0.2.7',
    startsAt: STARTS_AT,
    logKey: secret,
    vkey: signer.vkey,
    nonceSecretUtf8: NONCE_SECRET,
  }
}

/** Carries out steps on a whole cloud through its web application. */
export async function createPlayer({ logKey }: Pick<SequenceVectors['cloud'], 'logKey'>) {
  const drawn: Uint8Array[] = []
  const randomBytes = () => {
    const bytes = drawn.shift()
    if (bytes === undefined) throw new Error('no random bytes were foreseen here')
    return bytes
  }
  const cloud = await startTestCloud({ randomBytes }, { signer: await importNoteSigner(logKey) })
  const admin = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }
  const post = (path: string, body: string, headers: Readonly<Record<string, string>>) =>
    cloud.app.request(path, { method: 'POST', body, headers })

  async function ask(step: Extract<Step, { kind: 'request' }>): Promise<Expected> {
    const response = await post(step.path, step.body, step.headers)
    const { title: _, detail: __, ...answer } = (await response.json()) as Record<string, unknown>
    const retryAfter = response.headers.get('retry-after')
    const status = response.status
    const entries = (await cloud.entries()).length
    return { status, answer, ...(retryAfter === null ? {} : { retryAfter }), entries }
  }

  return {
    cloud,
    /** Does what a step says; for a request, gives what came of it. */
    async play(step: Step): Promise<Expected | undefined> {
      if ('at' in step) cloud.clock.ms = Date.parse(step.at)
      switch (step.kind) {
        case 'request':
          return ask(step)
        case 'invite': {
          const { host, policy } = step
          drawn.push(decodeToken(step.token), fromHex(step.secretHex))
          const { status } = await post('/v1/admin/hosts', JSON.stringify({ host, policy }), admin)
          if (status !== 201) throw new Error(`${host} could not be invited: HTTP ${status}`)
          return undefined
        }
        case 'revoke': {
          const { status } = await post(`/v1/admin/hosts/${step.host}/revoke`, '', admin)
          if (status !== 200) throw new Error(`${step.host} could not be revoked: HTTP ${status}`)
          return undefined
        }
        case 'fault': {
          const provider = step.provider === 'first' ? cloud.dns : cloud.second
          provider.faults.push({ kind: step.fault, hasWritten: step.hasWritten })
          return undefined
        }
        case 'store-fault': {
          const { code, hasStored } = step
          cloud.commitFaults.push({ entry: `"kind":"${step.entry}"`, code, hasStored })
          return undefined
        }
      }
    },
  }
}

/** What a request is expected to come to, written down before it is made. */
export interface Foreseen {
  readonly status: number
  readonly code?: string
  readonly facts?: Readonly<Record<string, unknown>>
}

/** Makes a request that must come to what was foreseen. */
export type Ask = (
  what: string,
  path: string,
  body: string,
  foreseen: Foreseen,
  headers?: Readonly<Record<string, string>>,
) => Promise<Expected>

/** Plays a sequence while it is written, and refuses to record what was not foreseen. */
export async function createAuthor(name: string) {
  const description = await describeCloud()
  const { cloud, play } = await createPlayer(description)
  const steps: Step[] = []
  let now = Date.parse(STARTS_AT)
  let tokens = 0
  const joins = new Map<string, string>()
  const at = () => new Date(now).toISOString()

  const request: Ask = async (what, path, body, foreseen, headers = JOSE) => {
    const expect: Expected = { status: 0, answer: {}, entries: 0 }
    const step = { kind: 'request', what, at: at(), path, headers, body, expect } as const
    const real = await play(step)
    if (real === undefined) throw new Error('a request without an answer')
    const { status, answer } = real
    const facts = Object.entries(foreseen.facts ?? {})
    const isForeseen =
      status === foreseen.status &&
      answer.code === foreseen.code &&
      facts.every(([fact, value]) => JSON.stringify(answer[fact]) === JSON.stringify(value))
    if (!isForeseen) {
      throw new Error(`${name}, ${what}: HTTP ${status} ${JSON.stringify(answer)} was not foreseen`)
    }
    steps.push({ ...step, expect: real })
    return real
  }

  return {
    name,
    steps,
    cloud,
    request,
    wait: (ms: number) => {
      now += ms
    },
    now: () => now,
    /** Has the operator add a host, or invite a revoked one again. */
    async invite(host: string, policy: Readonly<Record<string, unknown>> = {}) {
      const whole = {
        names: ['www.example.org', 'api.example.org', '*.home.example.org'],
        prefixes: ['2001:db8::/32'],
        ...policy,
      }
      const secret = (await seedOf(`${name} secret ${++tokens}`)).slice(0, 16)
      const token = encodeToken((await seedOf(`${name} token ${tokens}`)).slice(0, 12))
      const step = { kind: 'invite', at: at(), host, policy: whole, token } as const
      steps.push({ ...step, secretHex: toHex(secret) })
      await play({ ...step, secretHex: toHex(secret) })
      const { url, vkey } = description
      joins.set(host, renderJoin({ url, vkey, token, secret }))
      return parseJoin(joins.get(host) ?? '')
    },
    async revoke(host: string) {
      const step = { kind: 'revoke', at: at(), host } as const
      steps.push(step)
      await play(step)
    },
    async failNext(
      provider: 'first' | 'second',
      fault: 'transient' | 'forbidden',
      hasWritten = false,
    ) {
      const step = { kind: 'fault', provider, fault, hasWritten } as const
      steps.push(step)
      await play(step)
    },
    async failStore(entry: 'report' | 'applied', code: StoreFault, hasStored = false) {
      const step = { kind: 'store-fault', entry, code, hasStored } as const
      steps.push(step)
      await play(step)
    },
    /** The enrolment of the key of that label, for the host's last join string. */
    async enrolmentOf(host: string, label = host) {
      const join = parseJoin(joins.get(host) ?? '')
      return signEnrolment(join, (await keyOf(label)).key, Math.floor(now / 1000))
    },
    /** The agent of a host with the key of that label, after what was answered to it. */
    async agentWith(host: string, label: string, answer: Expected, seq?: number) {
      return createReporter(host, await keyOf(label), answer, () => now, request, seq)
    },
    /** Adds and enrols a host, whose agent then reports. */
    async addAgent(host: string, policy: Readonly<Record<string, unknown>> = {}) {
      await this.invite(host, policy)
      const jws = await this.enrolmentOf(host)
      const answer = await request(`enrol ${host}`, '/v1/enroll', jws, { status: 200 })
      return createReporter(host, await keyOf(host), answer, () => now, request)
    },
  }
}

/** What writes a sequence down by acting it out. */
export type Author = Awaited<ReturnType<typeof createAuthor>>
/** Sequences by their names. */
export type Sequences = Readonly<Record<string, (author: Author) => Promise<unknown>>>

function createReporter(
  host: string,
  key: VectorKey,
  enrolled: Expected,
  now: () => number,
  request: Ask,
  formerSeq = now(),
) {
  let witness = witnessIn(enrolled) ?? { size: 0, root: encodeBase64(EMPTY_ROOT) }
  let seq = formerSeq
  const reporter = {
    host,
    key,
    enrolled,
    reportOf(change: object = {}): Report {
      seq = Math.max(seq + 1, now())
      return { ...JSON.parse(PAYLOAD), host, seq, log: witness, ...change }
    },
    sign(report: Report, header: { url?: string; iat?: number; nonce?: string } = {}) {
      const iat = Math.floor(now() / 1000)
      return signReport(report, key.key, { url: REPORTS_URL, iat, ...header })
    },
    async post(what: string, jws: string, foreseen: Foreseen) {
      const answer = await request(what, '/v1/reports', jws, foreseen)
      const seen = answer.status === 200 ? witnessIn(answer) : undefined
      if (seen !== undefined && seen.size > witness.size) witness = seen
      return answer
    },
    /** The rotation of this reporter's key to the one of that label. */
    async rotationTo(label: string, header: { url?: string; iat?: number; nonce?: string } = {}) {
      const keys = { key: key.key, successor: (await keyOf(label)).key }
      const iat = Math.floor(now() / 1000)
      return signRotation({ host, log: witness }, keys, { url: ROTATE_URL, iat, ...header })
    },
    lastSeq: () => seq,
    async report(what: string, change: object, foreseen: Foreseen = { status: 200 }) {
      const jws = await reporter.sign(reporter.reportOf(change))
      return { jws, answer: await reporter.post(what, jws, foreseen) }
    },
  }
  return reporter
}

/** The checkpoint in a receipt; what it proves is another test's matter. */
function witnessIn({ answer }: Expected) {
  if (typeof answer.proof !== 'string') return undefined
  const { checkpoint } = parseTlogProof(answer.proof)
  const [, size = '', root = ''] = checkpoint.split('\n')
  return { size: Number(size), root }
}

function encodeToken(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_')
}

function decodeToken(token: string): Uint8Array {
  return decodeBase64(token.replaceAll('-', '+').replaceAll('_', '/'))
}
