import { generateNoteSigner } from '../../../shared/checkpoint.ts'
import type { ConformingAgent } from '../../conformance/agent.ts'
import { enrol, JOSE, movedTo, postTo } from '../../conformance/enrol.ts'
import { type CloudSetting, type RunningCloud, startDns } from '../../conformance/running-cloud.ts'
import { startLambda } from '../../conformance/start-lambda.ts'
import { startNode } from '../../conformance/start-node.ts'
import { startWorker } from '../../conformance/start-worker.ts'
import { hasDynoxide } from '../../stores/dynoxide.ts'
import type { RuntimeName } from './bundles.ts'

/** How many hosts report at once, and how often each. */
export interface LoadPlan {
  readonly hosts: number
  readonly reports: number
  readonly turns: number
}

/** Reports a second of one runtime, by turn. */
export interface RuntimeLoad {
  readonly runtime: RuntimeName
  readonly store: string
  readonly hosts: number
  readonly rates: readonly number[]
}

/** As many instances as a deployment has unless told otherwise (infra/cdk/options.ts). */
const INSTANCES = 5

interface Loaded {
  readonly runtime: RuntimeName
  readonly store: string
  readonly start: (setting: CloudSetting) => Promise<RunningCloud>
}

const LOADED: readonly Loaded[] = [
  { runtime: 'Node', store: 'libsql file', start: startNode },
  {
    runtime: 'Lambda',
    store: `DynamoDB emulator, ${INSTANCES} instances`,
    start: (setting) => startLambda(setting, INSTANCES),
  },
  { runtime: 'Workers', store: 'D1 in workerd', start: (setting) => startWorker(setting) },
]

/**
 * Hosts that report at once, each of which waits for its receipt before it reports again, as an agent
 * does. Reports are signed before the clock starts, and receipts verified after it has stopped. Every report
 * moves the host's name, at a fake service on loopback. The first turn is not counted.
 */
export async function measureLoads(
  plan: LoadPlan,
  onProgress: (line: string) => void,
): Promise<readonly RuntimeLoad[]> {
  const loads: RuntimeLoad[] = []
  for (const { runtime, store, start } of LOADED) {
    if (runtime === 'Lambda' && !hasDynoxide()) {
      onProgress('LEFT OUT: Lambda: the npm package @dynoxide/linux-x64 is missing')
      continue
    }
    onProgress(`${plan.hosts} hosts at once on ${runtime}`)
    const dns = await startDns()
    const { secret } = await generateNoteSigner('cloud.example.org')
    const cloud = await start({ dns, logKey: secret })
    try {
      loads.push({ runtime, store, hosts: plan.hosts, rates: await ratesOf(cloud.url, plan) })
    } finally {
      await cloud.stop()
      await dns.api.close()
    }
  }
  return loads
}

async function ratesOf(url: string, { hosts, reports, turns }: LoadPlan): Promise<number[]> {
  const agents: ConformingAgent[] = []
  for (let i = 0; i < hosts; i++) agents.push(await enrol(postTo(url), `host-${i}`))
  const rates: number[] = []
  for (let turn = 0; turn <= turns; turn++) {
    const signed = await Promise.all(agents.map((agent) => signAll(agent, turn * reports, reports)))
    const startedAt = performance.now()
    const answered = await Promise.all(signed.map((texts) => reportAll(url, texts)))
    const seconds = (performance.now() - startedAt) / 1000
    for (const [i, answers] of answered.entries()) {
      for (const { jws, body } of answers) await agents[i]?.verify(jws, body)
    }
    if (turn > 0) rates.push((hosts * reports) / seconds)
  }
  return rates
}

async function signAll(agent: ConformingAgent, from: number, count: number) {
  const signed: string[] = []
  for (let i = 1; i <= count; i++) signed.push(await agent.sign(movedTo(agent, from + i)))
  return signed
}

/** One after the other; a 202 is asked about again until the receipt is there. */
async function reportAll(url: string, signed: readonly string[]) {
  const answers: { readonly jws: string; readonly body: unknown }[] = []
  for (const jws of signed) {
    let answer: Response
    let body: unknown
    do {
      answer = await fetch(`${url}/v1/reports`, { method: 'POST', body: jws, headers: JOSE })
      body = await answer.json()
      // 503 is an answer too: the log was busy, nothing was changed, and the agent sends it again.
    } while (answer.status === 202 || answer.status === 503)
    if (answer.status !== 200) {
      throw new Error(`a report was answered with ${answer.status}: ${JSON.stringify(body)}`)
    }
    answers.push({ jws, body })
  }
  return answers
}
