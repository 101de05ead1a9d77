import { expect } from 'vitest'
import { parseName } from '../../shared/rrset.ts'
import type { HostedFake } from '../fakes/dns/hosted-rig.ts'
import { waitFor } from '../lab/deadline.ts'
import { type ConformingAgent, prepareEnrolment } from './agent.ts'
import { ADMIN_TOKEN, type RunningCloud } from './running-cloud.ts'

/** What a suite runs in; there once it has begun. */
export interface World {
  readonly cloud: RunningCloud
  /** The service behind its zone. */
  readonly dns: HostedFake
  /** The log's public key. */
  readonly vkey: string
}

/** An answer that has been read. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Where it is JSON; fields are looked at by tests alone. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever a test expects of it
  readonly body: any
}

type HeaderFields = Readonly<Record<string, string>>

export const JOSE: HeaderFields = { 'content-type': 'application/jose' }
const JSON_TYPE = /[/+]json(?:;|$)/
const OPERATOR: HeaderFields = {
  authorization: `Bearer ${ADMIN_TOKEN}`,
  'content-type': 'application/json',
}

/** Requests as hosts, operators and anybody else send them. */
export type Client = ReturnType<typeof createClient>

/** A client of the cloud of a world that need not have begun. */
export function createClient(world: () => World) {
  async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${world().cloud.url}${path}`, init)
    const text = await response.text()
    const isJson = JSON_TYPE.test(response.headers.get('content-type') ?? '')
    const { status, headers } = response
    return { status, headers, text, body: isJson ? JSON.parse(text) : undefined }
  }
  const post = (path: string, body: string, headers = JOSE) =>
    ask(path, { method: 'POST', body, headers })
  const operate = (path: string, method: string, body?: unknown) =>
    ask(path, {
      ...{ method, headers: OPERATOR },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

  /** Adds a host that may claim `HOST.example.test`, and prepares its enrolment. */
  async function invite(host: string, policy: Readonly<Record<string, unknown>> = {}) {
    const whole = { names: [`${host}.example.test`], prefixes: ['2001:db8::/32'], ...policy }
    const added = await operate('/v1/admin/hosts', 'POST', { host, policy: whole })
    expect(added.status, added.text).toBe(201)
    return prepareEnrolment(host, added.body.join)
  }

  return {
    ask,
    post,
    operate,
    invite,

    async addAgent(host: string, policy?: Readonly<Record<string, unknown>>) {
      const { jws, agent } = await invite(host, policy)
      const enrolled = await post('/v1/enroll', jws)
      expect(enrolled.status, enrolled.text).toBe(200)
      return agent
    },

    async report(agent: ConformingAgent, change = {}, headers: HeaderFields = {}) {
      const jws = await agent.sign(agent.reportOf(change))
      return { jws, answer: await post('/v1/reports', jws, { ...JOSE, ...headers }) }
    },

    /** What the service has for a host's name. */
    lookAt: (host: string) =>
      world().dns.look({ name: parseName(`${host}.example.test`), type: 'AAAA' }),

    /** The first line of the cloud's log that has this in it. */
    logLine: (part: string) =>
      waitFor(`a line of the log with ${part}`, () => {
        const lines = world().cloud.logged().split('\n')
        const line = lines.find((one) => one.includes(part))
        return line?.slice(line.indexOf('{'))
      }),
  }
}

/** A body without a length, in two chunks. */
export function chunksOf(text: string): RequestInit {
  const bytes = new TextEncoder().encode(text)
  const half = Math.ceil(bytes.length / 2)
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes.slice(0, half))
      controller.enqueue(bytes.slice(half))
      controller.close()
    },
  })
  return { method: 'POST', headers: JOSE, body, duplex: 'half' }
}
