import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { generateNoteSigner } from '../../shared/checkpoint.ts'
import { parseName } from '../../shared/rrset.ts'
import type { HostedFake } from '../fakes/dns/hosted-rig.ts'
import { startParameterStore } from '../fakes/parameter-store.ts'
import { waitFor } from '../lab/deadline.ts'
import { describeDynamo } from '../stores/describe-dynamo.ts'
import { prepareEnrolment } from './agent.ts'
import { eventOf } from './function-url.ts'
import { ADMIN_TOKEN, secretsOf, startDns } from './running-cloud.ts'
import { type RunningFunction, startLambda } from './start-lambda.ts'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const start = async (instances: number) => (await startWithDns(instances)).cloud

async function startWithDns(
  instances: number,
): Promise<{ readonly cloud: RunningFunction; readonly dns: HostedFake }> {
  const dns = await startDns()
  undo.push(() => dns.api.close())
  const { secret } = await generateNoteSigner('cloud.example.org')
  const cloud = await startLambda({ dns, logKey: secret }, instances)
  undo.push(() => cloud.stop())
  return { cloud, dns }
}

describeDynamo('the events of AWS Lambda', () => {
  describe('that are requests', () => {
    const sources: readonly ['function-url' | 'http-api', string, string][] = [
      ['function-url', '2001:db8:1::1', '2001:db8:1::1'],
      ['function-url', '192.0.2.9', '192.0.2.9'],
      ['http-api', '[2001:db8:1::1]:50412', '2001:db8:1::1'],
      ['http-api', '192.0.2.9:443', '192.0.2.9'],
    ]
    it('name the source that AWS saw, in each form', async () => {
      const { api } = await start(1)
      for (const [kind, sourceIp, address] of sources) {
        const event = eventOf(kind)
        event.requestContext.http.sourceIp = sourceIp
        const invoked = await api.invoke(event)
        expect(invoked).toMatchObject({ kind: 'response', body: { statusCode: 200 } })
        const { body } = Object(invoked).body
        expect(JSON.parse(body)).toEqual({ address })
      }
    })

    it('have the id of the invocation in answer and log', async () => {
      const { api, logged } = await start(1)
      const event = { ...eventOf('http-api'), rawPath: '/v1/reports', body: 'a.b.c' }
      event.requestContext.http.method = 'POST'
      event.headers['content-type'] = 'application/jose'
      const invoked = Object(await api.invoke(event))
      const id = invoked.body.headers['x-request-id']
      expect(invoked.body).toMatchObject({ statusCode: 400, isBase64Encoded: false })
      expect(id).toMatch(/^[\da-f-]{36}$/)
      await waitFor('the line', () => logged().includes(`"request":"${id}"`) || undefined)
    })
  })

  it('are answered only when nothing goes on any more: the instance is frozen then', async () => {
    const { cloud, dns } = await startWithDns(1)
    const policy = { names: ['home.example.test'], prefixes: ['2001:db8::/32'] }
    const added = await fetch(`${cloud.url}/v1/admin/hosts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ host: 'home', policy }),
    })
    const { join } = (await added.json()) as { readonly join: string }
    const { jws, agent } = await prepareEnrolment('home', join)
    const post = (path: string, body: string) =>
      fetch(`${cloud.url}${path}`, {
        ...{ method: 'POST', body },
        headers: { 'content-type': 'application/jose' },
      })
    await post('/v1/enroll', jws)
    dns.api.beforeNextWrite(() => sleep(2500))
    const answer = await post('/v1/reports', await agent.sign(agent.reportOf()))
    const name = parseName('home.example.test')
    expect(dns.look({ name, type: 'AAAA' })?.values).toEqual(['2001:db8:1::1'])
    expect(answer.status).toBe(202)
  })

  it('that EventBridge sends ask for a pass, and others for nothing', async () => {
    const { api } = await start(1)
    for (const kind of ['scheduled-rule', 'scheduler'] as const) {
      expect(await api.invoke(eventOf(kind))).toMatchObject({ kind: 'response' })
    }
    expect(await api.invoke({ Records: [] })).toEqual({
      kind: 'error',
      message: expect.stringMatching(/neither a request .* nor a scheduled event/),
    })
  })

  it('that are empty start the cloud, or fail with the reason', async () => {
    const cloud = await start(1)
    expect(await cloud.api.invoke({})).toEqual({ kind: 'response', body: { status: 'ready' } })
    expect(await cloud.api.invoke(null)).toEqual({ kind: 'response', body: { status: 'ready' } })
  })

  it('fail while the cloud cannot start, where they are empty', async () => {
    const cloud = await start(0)
    await cloud.addInstance({ AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1' })
    const invoked = await cloud.api.invoke({})
    expect(invoked).toEqual({ kind: 'error', message: expect.stringMatching(/DynamoDB table/) })
  })

  it('are taken with secrets that only the Parameter Store has', async () => {
    const dns = await startDns()
    undo.push(() => dns.api.close())
    const setting = { dns, logKey: (await generateNoteSigner('cloud.example.org')).secret }
    const secrets = Object.entries(secretsOf(setting))
    const store = await startParameterStore(
      Object.fromEntries(secrets.map(([name, value]) => [`/reprefix/${name}`, value])),
    )
    undo.push(() => store.close())
    const cloud = await startLambda(setting, 0)
    undo.push(() => cloud.stop())
    const none = Object.fromEntries(secrets.map(([name]) => [name, '']))
    await cloud.addInstance({ ...none, ...store.environment })
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
    expect((await fetch(`${cloud.url}/v1/admin/hosts`, { headers })).status).toBe(200)
    const asked = [...store.asked().flat()].sort()
    expect(asked).toEqual(secrets.map(([name]) => `/reprefix/${name}`).sort())
  })

  it('are not taken with a bad configuration, which ends the initialisation', async () => {
    const cloud = await start(0)
    const instance = await cloud.addInstance({ ADMIN_TOKEN: 'short-secret', LOG_KEY: '' })
    await waitFor('the instance to end', () => instance.end())
    expect(cloud.api.initError()).toMatch(
      /log\.key: set the environment variable LOG_KEY: it is empty/,
    )
    const other = await cloud.addInstance({ ADMIN_TOKEN: 'short-secret' })
    await waitFor('the instance to end', () => other.end())
    const message = cloud.api.initError() ?? ''
    expect(message).toMatch(/admin\.token: must have at least 24 characters/)
    expect(message + cloud.logged()).not.toContain('short-secret')
    expect(cloud.logged()).not.toContain(ADMIN_TOKEN)
  })

  it('are answered with a problem document while there is no store', async () => {
    const cloud = await start(0)
    await cloud.addInstance({ AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1' })
    const answer = await fetch(`${cloud.url}/readyz`)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    const id = answer.headers.get('x-request-id')
    expect(await answer.json()).toEqual({
      type: 'about:blank',
      title: 'Not ready',
      status: 503,
      code: 'NOT_READY',
      detail: expect.not.stringMatching(/127\.0\.0\.1/),
    })
    expect(cloud.logged()).toContain(`"request":"${id}"`)
    expect(cloud.logged()).toMatch(/"code":"STORE_/)
    // That the program runs is true all the same.
    expect((await fetch(`${cloud.url}/healthz`)).status).toBe(200)
  })
})
