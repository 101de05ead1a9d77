import { describe, expect, it } from 'vitest'
import type { AuditLog, Repository } from '../../../cloud/ports.ts'
import { statusOf } from '../../../cloud/problem.ts'
import { notReadyResponse } from '../../../cloud/web/not-ready.ts'
import { OPERATIONS } from '../../../infra/openapi/document.ts'
import type { Operation } from '../../../infra/openapi/operation.ts'
import { codesByStatus, WRITING } from '../../../infra/openapi/problems.ts'
import { decodeBase64url } from '../../../shared/base64.ts'
import { type ErrorCode, ReprefixError } from '../../../shared/errors.ts'
import { check, describedApp } from '../../fakes/described-app.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'
import { REFUSALS } from './refusals.ts'
import {
  type Body,
  enrolment,
  makeScene,
  postJose,
  REQUESTS,
  type RequestMaker,
  rotation,
  type Scene,
  send,
} from './requests.ts'

/** Every answer that was compared with the document, by what it was. */
const answered = new Set<string>()

async function answerTo(request: Request, { cloud }: Pick<Scene, 'cloud'>): Promise<string> {
  await cloud.app.fetch(request)
  const answer = cloud.described.at(-1) ?? ''
  answered.add(answer)
  return answer
}

async function requestOf({ id }: Operation, scene: Scene): Promise<Request> {
  const make = REQUESTS[id]
  if (make === undefined) throw new Error(`there is no request for ${id}`)
  return make(scene)
}

/** All that the document says of an operation, as `describedApp` tells it. */
function answersOf(operation: Operation): readonly string[] {
  const problems = [...codesByStatus(operation)].flatMap(([status, codes]) =>
    codes.map((code) => `${operation.id} ${status} ${code}`),
  )
  return [...operation.answers.map(({ status }) => `${operation.id} ${status}`), ...problems]
}

/** A port whose every method that waits fails. */
function failing<T extends Repository | AuditLog>(port: T, code: ErrorCode): T {
  const fail = () => Promise.reject(new ReprefixError(code, 'scripted fault'))
  const names = Object.keys(port).filter((name) => !['close', 'anticipate'].includes(name))
  return { ...port, ...Object.fromEntries(names.map((name) => [name, fail])) }
}

describe('what the cloud answers is in the document', () => {
  it.each(OPERATIONS)('to $id', async (operation) => {
    const scene = await makeScene()
    const { id, answers, body } = operation
    const request = await requestOf(operation, scene)
    if (body !== undefined) {
      const text = await request.clone().text()
      const sent = body.contentType === 'application/json' ? JSON.parse(text) : text
      await check(`#/components/schemas/${body.schema}`, sent, id)
    }
    expect(await answerTo(request, scene)).toBe(`${id} ${answers[0]?.status}`)
  })

  it('to a report whose DNS is not finished', async () => {
    const scene = await makeScene()
    scene.cloud.second.faults.push({ kind: 'transient', hasWritten: false })
    const jws = await scene.home.sign(scene.home.reportOf({ records: [] }))
    expect(await answerTo(postJose('/v1/reports', jws), scene)).toBe('postReport 202')
  })

  it.each(Object.entries(REFUSALS))('%s', async (answer, make: RequestMaker) => {
    const scene = await makeScene()
    expect(await answerTo(await make(scene), scene)).toBe(answer)
  })

  it.each(OPERATIONS.filter(({ isOperators }) => isOperators))(
    'to $id without the token',
    async (operation) => {
      const scene = await makeScene()
      const request = await requestOf(operation, scene)
      request.headers.delete('authorization')
      expect(await answerTo(request, scene)).toBe(`${operation.id} 401 UNAUTHORIZED`)
    },
  )

  it.each(OPERATIONS.filter(({ body }) => body))('to $id with a bad body', async (operation) => {
    const scene = await makeScene()
    const good = await requestOf(operation, scene)
    const withBody = (body: Body, type: string) => {
      const request = new Request(good.url, { method: good.method, headers: good.headers, body })
      request.headers.set('content-type', type)
      return answerTo(request, scene)
    }
    const { id, body } = operation
    const type = body?.contentType ?? ''
    expect(await withBody(Uint8Array.of(0xff), type)).toBe(`${id} 400 REQUEST_INVALID`)
    expect(await withBody('x'.repeat(70_000), type)).toBe(`${id} 413 BODY_TOO_LARGE`)
    expect(await withBody('x', 'text/plain')).toBe(`${id} 415 CONTENT_TYPE`)
  })

  it.each(OPERATIONS)('to $id while the store fails', async (operation) => {
    const scene = await makeScene()
    const codes = WRITING.filter((code) => operation.codes?.includes(code))
    for (const code of codes) {
      const { repository, log } = scene.cloud
      const checkReady = () => Promise.reject(new ReprefixError(code, 'scripted fault'))
      const broken = {
        ...{ repository: failing(repository, code), log: failing(log, code), checkReady },
      }
      const cloud = await startTestCloud(broken)
      const answer = await answerTo(await requestOf(operation, scene), { cloud })
      expect(answer).toBe(`${operation.id} ${statusOf(code)} ${code}`)
    }
  })

  it.each(OPERATIONS)('to $id when the cloud itself is at fault', async (operation) => {
    const scene = await makeScene()
    const { logger } = scene.cloud.deps
    const debug = () => {
      throw new TypeError('scripted fault')
    }
    const cloud = await startTestCloud({ logger: { ...logger, debug } })
    const answer = await answerTo(await requestOf(operation, scene), { cloud })
    expect(answer).toBe(`${operation.id} 500 INTERNAL`)
  })

  it.each(OPERATIONS)('to $id while the cloud cannot start', async (operation) => {
    const seen: string[] = []
    const scene = await makeScene()
    const fetch = async () => notReadyResponse('a request')
    await describedApp({ ...scene.cloud.app, fetch } as never, seen).fetch(
      await requestOf(operation, scene),
    )
    expect(seen).toEqual([`${operation.id} 503 NOT_READY`])
    for (const answer of seen) answered.add(answer)
  })

  it('is every answer that the document has', () => {
    // Whoever adds an answer to the document adds the request that gets it.
    expect(OPERATIONS.flatMap(answersOf).filter((answer) => !answered.has(answer))).toEqual([])
  })
})

describe('an answer that is not in the document', () => {
  it.each([
    ['of another status', () => new Response('{"status":"ok"}', { status: 206 })],
    ['of another type', () => new Response('{"status":"ok"}')],
    ['without an id', () => Response.json({ status: 'ok' })],
    ['with a member more', () => json({ status: 'ok', more: true })],
    ['with a member less', () => json({})],
    ['with another value', () => json({ status: 'bad' })],
    ['with another code', () => json({ ...PROBLEM, code: 'NOT_FOUND' }, 503)],
    ['whose status is another', () => json({ ...PROBLEM, status: 500 }, 503)],
    ['without the fact of its code', () => json(NO_NONCE, 401), postJose('/v1/reports', 'x')],
  ])('%s is found out', async (_, answer, request = send('GET', '/healthz')) => {
    const scene = await makeScene()
    const fetch = () => Promise.resolve(answer())
    const app = describedApp({ ...scene.cloud.app, fetch } as never, [])
    await expect(app.fetch(request)).rejects.toThrow(/ answers \d+(:|, )/)
  })
})

const PROBLEM = { type: 'about:blank', title: 't', status: 503, code: 'STORE_FAILED', detail: 'd' }
const NO_NONCE = { ...PROBLEM, status: 401, code: 'USE_NONCE' }

function json(body: object, status = 200): Response {
  const type = status === 200 ? 'application/json' : 'application/problem+json'
  const headers = { 'content-type': type, 'x-request-id': 'r', 'retry-after': '1' }
  return new Response(JSON.stringify(body), { status, headers })
}

describe('what hosts sign', () => {
  const decode = (part: string) => new TextDecoder().decode(decodeBase64url(part))

  /** Compares a JWS, and each one inside it, with the schemas that the document names for it. */
  async function checkJws(name: string, jws: string, parts: Record<string, string>): Promise<void> {
    await check(`#/components/schemas/${name}Jws`, jws, name)
    const [header = '', payload = ''] = jws.split('.').map(decode)
    await check(`#/components/schemas/${name}Header`, JSON.parse(header), name)
    const inner = parts[name] ?? ''
    if (inner.endsWith('Jws')) await checkJws(inner.slice(0, -3), payload, parts)
    else await check(`#/components/schemas/${inner}`, JSON.parse(payload), inner)
  }
  const parts = {
    Report: 'Report',
    Enrolment: 'TokenJws',
    Token: 'PublicJwk',
    Rotation: 'SuccessorJws',
    Successor: 'Succession',
  }

  it('is in the document: reports, enrolments and rotations', async () => {
    const scene = await makeScene()
    const { home } = scene
    await checkJws('Report', await home.sign(home.reportOf()), parts)
    await checkJws('Enrolment', await enrolment(scene), parts)
    await checkJws('Rotation', await rotation(scene), parts)
  })
})
