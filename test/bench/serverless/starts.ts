import { once } from 'node:events'
import { request } from 'node:http'
import { exposeCollection } from '../../../agent/adapters/small-memory.ts'
import { generateNoteSigner } from '../../../shared/checkpoint.ts'
import { JOSE, movedTo } from '../../conformance/enrol.ts'
import { startDns } from '../../conformance/running-cloud.ts'
import { hasDynoxide } from '../../stores/dynoxide.ts'
import { createSpawnClock } from './spawn-clock.ts'
import { QUESTIONS, type Question, type StartTime, type StartTimes } from './start-time.ts'
import { startLambdaRig } from './starts/lambda.ts'
import { startNodeRig } from './starts/node.ts'
import type { StartRig } from './starts/start-rig.ts'
import { startWorkerRig } from './starts/worker.ts'

/**
 * Starts each program afresh, one of each a turn, so that what else the machine does meets all alike. The
 * first turn is not counted: it brings the files into memory. Without the emulator of DynamoDB, Lambda is
 * left out, and `onProgress` is told.
 */
export async function measureStarts(
  turns: number,
  onProgress: (line: string) => void,
): Promise<readonly StartTimes[]> {
  const all: StartTimes[] = []
  const dns = await startDns()
  try {
    const { secret } = await generateNoteSigner('cloud.example.org')
    for (const startRig of [startNodeRig, startLambdaRig, startWorkerRig]) {
      if (startRig === startLambdaRig && !hasDynoxide()) {
        onProgress('LEFT OUT: Lambda: the npm package @dynoxide/linux-x64 is missing')
        continue
      }
      const rig = await startRig({ dns, logKey: secret })
      try {
        onProgress(`${turns} starts on ${rig.runtime}`)
        all.push({ runtime: rig.runtime, times: await timeStarts(rig, turns) })
      } finally {
        await rig.close()
      }
    }
  } finally {
    await dns.api.close()
  }
  return all
}

async function timeStarts(rig: StartRig, turns: number): Promise<StartTimes['times']> {
  const times: Record<Question, StartTime[]> = { hello: [], health: [], ready: [], report: [] }
  for (let turn = 0; turn <= turns; turn++) {
    for (const question of orderOf(turn)) {
      const time = await timeStart(rig, question, turn + 1)
      if (turn > 0) times[question].push(time)
    }
  }
  return times
}

const collectGarbage = exposeCollection()

/** None has always the same one before it: a program that has just ended is felt by the next. */
function orderOf(turn: number): readonly Question[] {
  const shift = turn % QUESTIONS.length
  const order = [...QUESTIONS.slice(shift), ...QUESTIONS.slice(0, shift)]
  return Math.floor(turn / QUESTIONS.length) % 2 === 0 ? order : order.reverse()
}

async function timeStart(rig: StartRig, question: Question, move: number): Promise<StartTime> {
  const jws = question === 'report' ? await rig.agent.sign(movedTo(rig.agent, move)) : undefined
  // What the bench itself has left is not collected while a program starts.
  collectGarbage()
  const clock = createSpawnClock()
  const started = await rig.start(question === 'hello' ? 'empty' : 'reprefix').finally(clock.stop)
  try {
    const startedAt = clock.startedAt()
    const readyMs = performance.now() - startedAt
    const path = { hello: '/', health: '/healthz', ready: '/readyz', report: '/v1/reports' }[
      question
    ]
    let answer = await ask(`${started.url}${path}`, jws)
    // Its DNS takes longer than an answer may, on a busy machine: an agent asks again.
    while (answer.status === 202) answer = await ask(`${started.url}${path}`, jws)
    const answeredMs = performance.now() - startedAt
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}: ${answer.text}`)
    if (jws !== undefined) await rig.agent.verify(jws, JSON.parse(answer.text))
    return { readyMs, answeredMs }
  } finally {
    await started.stop()
  }
}

/** Over a connection of its own: the one before has ended with its program. */
async function ask(url: string, body: string | undefined) {
  const headers = body === undefined ? {} : JOSE
  const asked = request(url, { agent: false, method: body === undefined ? 'GET' : 'POST', headers })
  asked.end(body)
  const [response] = await once(asked, 'response')
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: Number(response.statusCode), text }
}
