import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../cloud/config.ts'
import { encodeBase64url } from '../../../shared/base64.ts'
import { parseJoin } from '../../../shared/join.ts'
import { createLogger, type LogLevel } from '../../../shared/logger.ts'
import { parseName } from '../../../shared/rrset.ts'
import { createProviders } from '../../fakes/dns/create-providers.ts'
import { ADMIN_TOKEN, startTestCloud, ZONE } from '../../fakes/test-cloud.ts'
import { aaaa } from './app-checks.ts'

const PROVIDER_TOKEN = 'cf-token-of-the-settings-0123456789abcdef'
const STRAY_TOKEN = 'token-that-somebody-sent-by-mistake'

const SETTINGS = `
url: https://cloud.example.org
store: file:unused.db
admin: { token: ${ADMIN_TOKEN} }
zones: { example.org: { providers: [cloudflare] } }
providers: { cloudflare: { type: cloudflare, token: "\${env:CF_TOKEN}" } }
`

/** The lines that a runtime writes, as text. */
function capture(level: LogLevel) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  return { lines, logger: createLogger({ level, name: 'cloud', destination }) }
}

/** A cloud whose DNS service refuses its token and, worse, quotes it. */
async function startWithBadToken() {
  const { lines, logger } = capture('debug')
  const now = () => new Date('2026-03-01T12:00:00Z')
  const asked: string[] = []
  const { providers: settings } = parseConfig(SETTINGS, 'cloud.yaml', () => PROVIDER_TOKEN)
  const providers = createProviders(settings, {
    now,
    sleep: async () => undefined,
    fetch: async (_, init) => {
      const given = new Headers(init?.headers).get('authorization') ?? ''
      asked.push(given)
      const errors = [{ code: 10000, message: `Authentication error: ${given}` }]
      return Response.json({ success: false, errors, result: null }, { status: 403 })
    },
  })
  const byZone = new Map([[ZONE, [...providers.values()]]])
  return { cloud: await startTestCloud({ logger, providers: byZone }), lines, asked }
}

describe('the log and the answers', () => {
  it('hold no secret that a request or the settings carry', async () => {
    const { cloud, lines, asked } = await startWithBadToken()
    const { join, response: invited } = await cloud.addHost('home')
    expect(invited.status).toBe(201)
    const answers: Response[] = []
    const send = async (path: string, init: RequestInit = {}) => {
      answers.push(await cloud.app.request(path, init))
    }
    const headers = { 'content-type': 'application/jose', cookie: `session=${STRAY_TOKEN}` }
    // The whole join string where the request made of it belongs.
    await send('/v1/enroll', { method: 'POST', headers, body: join })
    await send('/v1/reports', { method: 'POST', headers, body: `${STRAY_TOKEN}.a.b` })
    const { key, jws, response } = await cloud.enrol(join)
    expect(response.status).toBe(200)
    await send('/v1/enroll', { method: 'POST', headers, body: jws })
    const agent = cloud.createAgent('home', key)
    const report = await agent.report()
    expect(report.entry?.outcomes).toMatchObject([
      { provider: 'cloudflare', outcome: 'failed', error: { kind: 'auth' } },
    ])
    expect(asked).toContain(`Bearer ${PROVIDER_TOKEN}`)
    const authorization = `Bearer ${STRAY_TOKEN}`
    await send(`/v1/admin/hosts?token=${STRAY_TOKEN}`, { headers: { authorization } })
    await send(`/v1/reports?token=${ADMIN_TOKEN}`, { method: 'POST', headers, body: 'x' })
    await send('/v1/admin/hosts', { headers: cloud.adminHeaders })
    await send('/v1/admin/dns/plan', { headers: cloud.adminHeaders })
    await send('/v1/log/entries', { headers: cloud.adminHeaders })
    await send('/v1/whoami', { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })
    cloud.commitFaults.push({ entry: '"kind":"policy"', hasStored: false })
    const policy = { names: ['a.example.org'], token: STRAY_TOKEN }
    const body = JSON.stringify({ host: 'other', policy })
    await send('/v1/admin/hosts', { method: 'POST', headers: cloud.adminHeaders, body })
    await send('/v1/admin/hosts/home/revoke', { method: 'POST', headers: cloud.adminHeaders })

    const { secret } = parseJoin(join)
    const secrets = [ADMIN_TOKEN, STRAY_TOKEN, PROVIDER_TOKEN, encodeBase64url(secret), join]
    const texts = [...lines, JSON.stringify(report.body)]
    texts.push(...(await Promise.all(answers.map(textOf))))
    expect(lines.length).toBeGreaterThan(answers.length)
    // What is looked through does tell of the refused token, without it.
    expect(texts.filter((text) => text.includes('Authentication error'))).not.toEqual([])
    expect(texts.filter((text) => secrets.some((one) => text.includes(one)))).toEqual([])
  })

  it('share the id of the request, on every line about it', async () => {
    const { lines, logger } = capture('debug')
    const cloud = await startTestCloud({ logger })
    const agent = await cloud.addAgent('home')
    const outside = [aaaa(parseName('mail.example.org'), '2001:db8:1::1')]
    const responses = [
      (await agent.report()).response,
      (await agent.report({ records: outside })).response,
      await cloud.post('/v1/reports', 'x'),
      await cloud.app.request('/v1/admin/hosts'),
      await cloud.app.request('/nothing'),
    ]
    const ids = responses.map(({ headers }) => headers.get('x-request-id'))
    expect(new Set(ids).size).toBe(responses.length)
    // A flush writes for all reports that wait, so its line is of no one request.
    const told = lines.map((line) => JSON.parse(line)).filter(({ event }) => event !== 'dns')
    expect(told.filter(({ request }) => typeof request !== 'string')).toEqual([])
    const eventsOf = (id: string | null | undefined) =>
      told
        .filter(({ request }) => request === id)
        .map(({ event, code, msg }) => event ?? code ?? msg)
    expect(ids.map(eventsOf)).toEqual([
      ['report', 'applied', 'request'],
      ['denied', 'refused', 'request'],
      ['JWS_MALFORMED', 'request'],
      ['UNAUTHORIZED', 'request'],
      ['request'],
    ])
  })

  it('lead from a fault of the cloud, which the answer does not tell, to its cause', async () => {
    const { lines, logger } = capture('info')
    const cloud = await startTestCloud({ logger })
    cloud.repository.hosts = () => Promise.reject(new TypeError('scripted fault'))
    const response = await cloud.app.request('/v1/admin/hosts', { headers: cloud.adminHeaders })
    const id = response.headers.get('x-request-id')
    const problem = await response.json()
    expect(problem).toMatchObject({ status: 500, code: 'INTERNAL' })
    expect(JSON.stringify(problem)).not.toContain('scripted fault')
    expect(JSON.stringify(problem)).toContain(id)
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { request: id, error: { type: 'TypeError', message: 'scripted fault' } },
    ])
  })
})

async function textOf(response: Response): Promise<string> {
  return `${JSON.stringify([...response.headers])} ${await response.text()}`
}
