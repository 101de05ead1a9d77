import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readEnrolment, writeEnrolment } from '../../../../agent/adapters/enrolment-file.ts'
import { createHostKeys, createKeyFiles } from '../../../../agent/adapters/host-key.ts'
import type { HttpPost } from '../../../../agent/adapters/http-client.ts'
import { writeJsonFile } from '../../../../agent/adapters/json-file.ts'
import { createLastAttemptFile } from '../../../../agent/adapters/last-attempt.ts'
import { createOutbox } from '../../../../agent/adapters/outbox.ts'
import { createReceipts } from '../../../../agent/adapters/receipts.ts'
import { postReport, reportsUrl } from '../../../../agent/adapters/report-client.ts'
import { createReporter, type Reporter } from '../../../../agent/adapters/reporter.ts'
import { createReportingStateFile } from '../../../../agent/adapters/reporting-state.ts'
import { rotateKey } from '../../../../agent/adapters/rotation.ts'
import { decodeBase64, encodeBase64 } from '../../../../shared/base64.ts'
import { parseVkey } from '../../../../shared/checkpoint.ts'
import { parseJoin } from '../../../../shared/join.ts'
import { generateSigningKey, importSigningKey, parseReportJws } from '../../../../shared/jws.ts'
import { EMPTY_ROOT } from '../../../../shared/merkle.ts'
import { verifyReceipt } from '../../../../shared/receipt.ts'
import { CRASHES, type CrashPoints, createCrashPoints } from '../../../fakes/crash-points.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'
import { CLOUD_URL, startTestCloud } from '../../../fakes/test-cloud.ts'
import { expectIntact } from '../../cloud/app-checks.ts'
import { body, ENROLLED, reporterRig, until } from './reporter-rig.ts'

const { directory } = reporterRig()
const fault = () => new Error('scripted fault')

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** A host enrolled at a whole cloud, on a disk of its own, with a successor that waits. */
async function makeHost(name: string) {
  const cloud = await startTestCloud()
  const { join: word } = await cloud.addHost('home')
  const { key, jwk } = await generateSigningKey()
  await cloud.enrol(word, key)
  const { jwk: nextJwk, key: successor } = await generateSigningKey()
  const at = (file: string) => join(directory(), name, file)
  await mkdir(at(''), { recursive: true })
  const { url, vkey } = parseJoin(word)
  await writeEnrolment(at('enrolment.json'), { url, vkey, host: 'home', key: jwk })
  await writeJsonFile(at('successor.json'), nextJwk)
  const witness = { size: 0, root: encodeBase64(EMPTY_ROOT) }
  await createReportingStateFile(at('reporting.json')).write({ ...ENROLLED, witness })
  return { cloud, key, successor, at, url, verifiers: [await parseVkey(vkey)] }
}
type Host = Awaited<ReturnType<typeof makeHost>>

/**
 * An agent's reporter as it starts from the disk, the loop having found something to report before it
 * runs; each of its writes and requests may go wrong.
 */
async function startReporter(host: Host, { pass }: CrashPoints, subnets: readonly number[]) {
  const { cloud, at, url, verifiers } = host
  const enrolment = await readEnrolment(at('enrolment.json'))
  if (enrolment === null) throw new Error('the enrolment is gone')
  const stateFile = createReportingStateFile(at('reporting.json'))
  const outbox = createOutbox(at('outbox'))
  const receipts = createReceipts(at('receipts'))
  const files = createKeyFiles({
    enrolment: at('enrolment.json'),
    successor: at('successor.json'),
  })
  const post: HttpPost = (target, text) =>
    pass(async () => {
      const response = await cloud.post(target.slice(CLOUD_URL.length), text)
      return { status: response.status, retryAfter: null, text: await response.text() }
    }, fault)
  const now = () => cloud.clock.ms
  const { log } = recordedLog()
  const made = await createReporter(
    {
      ...{ host: 'home', version: '1.0.0', now, log },
      // Pauses of some milliseconds.
      random: () => -0.49,
      outbox: {
        ...outbox,
        save: (entry) => pass(() => outbox.save(entry), fault),
        settle: (id) => pass(() => outbox.settle(id), fault),
      },
      receipts: { ...receipts, save: (receipt) => pass(() => receipts.save(receipt), fault) },
      stateFile: { ...stateFile, write: (state) => pass(() => stateFile.write(state), fault) },
      lastAttempt: createLastAttemptFile(at('last-attempt.json')),
      keys: createHostKeys({
        enrolment,
        key: await importSigningKey(enrolment.key),
        files: {
          readSuccessor: () => pass(files.readSuccessor, fault),
          writeEnrolment: (content) => pass(() => files.writeEnrolment(content), fault),
          removeSuccessor: () => pass(files.removeSuccessor, fault),
          setSuccessorAside: () => pass(files.setSuccessorAside, fault),
        },
        url: reportsUrl(url),
        rotateKey: (...keys) => rotateKey(...keys, { url, host: 'home', verifiers, post, now }),
        log,
      }),
      post: (jws, timeoutMs) => postReport(url, jws, { timeoutMs, post }),
      verify: async (receipt, { size, root }, jws) => {
        const witness = { size, root: decodeBase64(root) }
        const { checkpoint, index } = await verifyReceipt(receipt, { verifiers, witness, jws })
        const seen = { size: checkpoint.size, root: encodeBase64(checkpoint.root) }
        return { witness: seen, entry: index }
      },
    },
    ENROLLED,
  )
  for (const subnet of subnets) await made.offer(body(subnet)).catch(() => undefined)
  const abort = new AbortController()
  const running = made.run(abort.signal)
  return {
    ...made,
    stop: async () => {
      abort.abort()
      await running
    },
  }
}

async function presentKid({ at }: Host): Promise<string> {
  const enrolment = await readEnrolment(at('enrolment.json'))
  return (await importSigningKey(enrolment?.key)).kid
}

async function isDone(host: Host, reporter: Reporter): Promise<boolean> {
  const isLeft = reporter.waiting() > 0 || (await exists(host.at('successor.json')))
  return !isLeft && (await presentKid(host)) === host.successor.kid
}

/** Until it has happened, with the looks that `rotate` and the loop take now and then. */
async function untilSettled(host: Host, reporter: Reporter, isOver: () => boolean): Promise<void> {
  await until(async () => {
    if (isOver() || (await isDone(host, reporter))) return true
    reporter.rotate()
    return false
  }, 20_000)
}

/** Whatever became of it, the cloud accepts the key of the enrolment or the one that waits beside it. */
async function expectSpeaks(host: Host): Promise<void> {
  const speaks = (await host.cloud.repository.host('home'))?.key?.kid
  const waits = (await exists(host.at('successor.json'))) ? [host.successor.kid] : []
  expect([await presentKid(host), ...waits]).toContain(speaks)
}

const prefixOf = (subnet: number) => body(subnet).prefix.current

/** The prefixes of all reports that are in the log. */
function prefixesOf(entries: Awaited<ReturnType<Host['cloud']['entries']>>): string[] {
  return entries
    .filter(({ kind }) => kind === 'report')
    .map(({ jws }) => new TextDecoder().decode(parseReportJws(String(jws)).payload))
    .map((payload) => JSON.parse(payload).prefix.current)
}

/** Reports offered before the crash, if any, and after it; all of them must be applied. */
async function crashAt(at: number, how: (typeof CRASHES)[number], offered: 'before' | 'after') {
  const host = await makeHost(`${at}-${how.isKill}-${how.hasHappened}`)
  const points = createCrashPoints()
  points.set({ ...how, at })
  let reporter = await startReporter(host, points, offered === 'before' ? [1] : [])
  await untilSettled(host, reporter, points.hasStruck)
  const hasStruck = points.hasStruck()
  if (how.isKill && hasStruck) {
    await reporter.stop()
    await expectSpeaks(host)
    points.clear()
    reporter = await startReporter(host, points, [1])
  }
  points.clear()
  for (const subnet of [1, 2]) await reporter.offer(body(subnet))
  await untilSettled(host, reporter, () => false)
  await reporter.offer(body(3))
  await untilSettled(host, reporter, () => false)
  expect(reporter.isRefused()).toBe(false)
  await reporter.stop()
  await expectSpeaks(host)
  const entries = await host.cloud.entries()
  const of = (kind: string) => entries.filter((entry) => entry.kind === kind)
  expect(of('rotate')).toMatchObject([{ kid: host.key.kid, successor: host.successor.kid }])
  expect(of('denied')).toEqual([])
  const reports = of('report').map(({ seq }) => Number(seq))
  expect(reports).toEqual(reports.toSorted((a, b) => a - b))
  expect(new Set(reports).size).toBe(reports.length)
  // None was given up.
  expect(prefixesOf(entries)).toEqual(expect.arrayContaining([1, 2, 3].map(prefixOf)))
  expect(of('applied').map(({ seq }) => seq)).toEqual(reports)
  expect(of('report').at(-1)).toMatchObject({ kid: host.successor.kid })
  await expectIntact(host.cloud)
  return hasStruck
}

describe('an agent that crashes at any write or request while its key is replaced', () => {
  const table = CRASHES.flatMap((how) =>
    (['before', 'after'] as const).map((o) => [how, o] as const),
  )
  it.each(table)(
    'ends with a key that the cloud accepts, and reports go on: %j, reports come %s',
    async (how, offered) => {
      let at = 0
      const step = () =>
        crashAt(at, how, offered).catch((cause: unknown) => {
          throw new Error(`at call ${at}`, { cause })
        })
      while (await step()) at++
      // The successor, the request, the witness, the enrolment, and the successor again.
      expect(at).toBeGreaterThanOrEqual(5)
    },
  )
})
