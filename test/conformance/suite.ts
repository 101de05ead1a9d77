import { afterAll, beforeAll, describe } from 'vitest'
import { generateNoteSigner } from '../../shared/checkpoint.ts'
import { createClient, type World } from './client.ts'
import { describeOperator } from './operator-cases.ts'
import { describeReports } from './report-cases.ts'
import { describeRequests } from './request-cases.ts'
import { type CloudSetting, type RunningCloud, startDns } from './running-cloud.ts'

/** The one suite that a cloud passes on each runtime, seen over HTTP alone. */
export function describeRuntime(
  name: string,
  start: (setting: CloudSetting) => Promise<RunningCloud>,
): void {
  describe(`the cloud on ${name}`, () => {
    let begun: World | undefined
    beforeAll(async () => {
      const dns = await startDns()
      const { signer, secret } = await generateNoteSigner('cloud.example.org')
      begun = { dns, vkey: signer.vkey, cloud: await start({ dns, logKey: secret }) }
    })
    afterAll(async () => {
      await begun?.cloud.stop()
      await begun?.dns.api.close()
    })
    const world = (): World => {
      if (begun === undefined) throw new Error(`there is no cloud on ${name}`)
      return begun
    }
    const client = createClient(world)
    describeReports(client, world)
    describeRequests(client, world)
    // Last, as it looks at what the others have left.
    describeOperator(client, world)
  })
}
