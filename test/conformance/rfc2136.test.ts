import { Resolver } from 'node:dns/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { generateNoteSigner } from '../../shared/checkpoint.ts'
import type { HostedFake } from '../fakes/dns/hosted-rig.ts'
import { describeServer } from '../servers/update-rig.ts'
import { startBind, type UpdateServer } from '../servers/update-server.ts'
import { describeDynamo } from '../stores/describe-dynamo.ts'
import { prepareEnrolment } from './agent.ts'
import { ADMIN_TOKEN, type CloudSetting, type RunningCloud, startDns } from './running-cloud.ts'
import { startLambda } from './start-lambda.ts'
import { startWorker } from './start-worker.ts'

/** One report through a bundle to a real name server: TCP and TSIG from where no socket is of Node's own. */
function describeUpdates(
  runtime: string,
  start: (setting: CloudSetting) => Promise<RunningCloud>,
): void {
  describeServer(`RFC 2136 from ${runtime}`, { named: 'bind9' }, () => {
    let bind: UpdateServer
    let dns: HostedFake
    let cloud: RunningCloud
    beforeAll(async () => {
      bind = await startBind()
      dns = await startDns()
      const { name, algorithm, secret } = bind.addresses
      const tsig = `{ name: ${name}, algorithm: ${algorithm}, secret: "${secret}" }`
      const provider = `{ type: rfc2136, server: "127.0.0.1:${bind.port}", tsig: ${tsig} }`
      const { secret: logKey } = await generateNoteSigner('cloud.example.org')
      cloud = await start({ dns, logKey, provider })
    })
    afterAll(async () => {
      await cloud?.stop()
      await dns?.api.close()
      await bind?.stop()
    })

    it('reaches a real name server', async () => {
      const post = (path: string, body: string, headers: Readonly<Record<string, string>>) =>
        fetch(`${cloud.url}${path}`, { method: 'POST', body, headers })
      const policy = { names: ['home.example.test'], prefixes: ['2001:db8::/32'] }
      const added = await post('/v1/admin/hosts', JSON.stringify({ host: 'home', policy }), {
        authorization: `Bearer ${ADMIN_TOKEN}`,
        'content-type': 'application/json',
      })
      const { join } = (await added.json()) as { readonly join: string }
      const { jws, agent } = await prepareEnrolment('home', join)
      const jose = { 'content-type': 'application/jose' }
      expect((await post('/v1/enroll', jws, jose)).status).toBe(200)
      const report = await agent.sign(agent.reportOf())
      const answer = await post('/v1/reports', report, jose)
      const { entry } = await agent.verify(report, await answer.json())
      expect(entry.outcomes).toMatchObject([{ outcome: 'created', provider: 'dns' }])
      const resolver = new Resolver()
      resolver.setServers([`127.0.0.1:${bind.port}`])
      expect(await resolver.resolve6('home.example.test')).toEqual(['2001:db8:1::1'])
    })
  })
}

describeUpdates('Workers', (setting) => startWorker(setting))
describeDynamo('a function at a name server', () => {
  describeUpdates('Lambda', (setting) => startLambda(setting, 1))
})
