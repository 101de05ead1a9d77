import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readEnrolment, writeEnrolment } from '../../../../agent/adapters/enrolment-file.ts'
import { createHostKeys, createKeyFiles } from '../../../../agent/adapters/host-key.ts'
import type { HttpAnswer } from '../../../../agent/adapters/http-client.ts'
import { writeJsonFile } from '../../../../agent/adapters/json-file.ts'
import { reportsUrl, type Verdict } from '../../../../agent/adapters/report-client.ts'
import { createReportingStateFile } from '../../../../agent/adapters/reporting-state.ts'
import { rotateKey } from '../../../../agent/adapters/rotation.ts'
import { encodeBase64 } from '../../../../shared/base64.ts'
import { parseVkey } from '../../../../shared/checkpoint.ts'
import { parseJoin } from '../../../../shared/join.ts'
import { generateSigningKey, importSigningKey, parseReportJws } from '../../../../shared/jws.ts'
import { EMPTY_ROOT } from '../../../../shared/merkle.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'
import { CLOUD_URL, startTestCloud } from '../../../fakes/test-cloud.ts'
import { body, ENROLLED, RECEIPT, reporterRig, until } from './reporter-rig.ts'

const { reporter, directory } = reporterRig()

/** A host enrolled at a whole cloud, whose answers to rotations `lose` may take away. */
async function enrolledHost(lose: (attempt: number) => 'answer' | 'request' | undefined) {
  const cloud = await startTestCloud()
  const { join: word } = await cloud.addHost('home')
  const { key, jwk } = await generateSigningKey()
  await cloud.enrol(word, key)
  const paths = {
    enrolment: join(directory(), 'enrolment.json'),
    successor: join(directory(), 'successor.json'),
  }
  const { url, vkey } = parseJoin(word)
  const enrolment = { url, vkey, host: 'home', key: jwk }
  await writeEnrolment(paths.enrolment, enrolment)
  const { log, lines } = recordedLog()
  let attempts = 0
  const post = async (target: string, text: string): Promise<HttpAnswer> => {
    attempts += 1
    const lost = lose(attempts)
    if (lost === 'request') throw new Error('connection refused')
    const response = await cloud.post(target.slice(CLOUD_URL.length), text)
    if (lost === 'answer') throw new Error('connection reset')
    return { status: response.status, retryAfter: null, text: await response.text() }
  }
  const verifiers = [await parseVkey(vkey)]
  const open = async () => {
    const kept = await readEnrolment(paths.enrolment)
    const present = await importSigningKey(kept?.key)
    const now = () => cloud.clock.ms
    return createHostKeys({
      enrolment,
      key: present,
      files: createKeyFiles(paths),
      url: reportsUrl(url),
      rotateKey: (...keys) => rotateKey(...keys, { url, host: 'home', verifiers, post, now }),
      log,
    })
  }
  const presentKid = async () => {
    const kept = await readEnrolment(paths.enrolment)
    return (await importSigningKey(kept?.key)).kid
  }
  return { cloud, key, paths, open, presentKid, lines, attempts: () => attempts }
}

const NOTHING_SEEN = { size: 0, root: encodeBase64(EMPTY_ROOT) }

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

describe('a successor that waits', () => {
  it.each([
    ['nothing-lost', []],
    ['the-request-is-lost', ['request']],
    ['the-answer-is-lost', ['answer']],
    ['answers-are-lost-twice', ['answer', 'answer']],
  ] as const)('replaces the key once: %s', async (_, losses) => {
    const host = await enrolledHost((attempt) => losses[attempt - 1])
    const { jwk, key: successor } = await generateSigningKey()
    await writeJsonFile(host.paths.successor, jwk)
    const keys = await host.open()
    const state = createReportingStateFile(join(directory(), 'reporting.json'))
    await state.write({ ...ENROLLED, witness: NOTHING_SEEN })
    const signers: string[] = []
    const post = async (jws: string) => {
      signers.push(parseReportJws(jws).header.kid)
      return RECEIPT
    }
    const verify = async () => ({ witness: NOTHING_SEEN, entry: 4 })
    const made = await reporter(() => RECEIPT, { keys, post, verify })
    made.rotate()
    await until(async () => (await host.presentKid()) === successor.kid)
    await until(async () => !(await exists(host.paths.successor)))
    const rotations = (await host.cloud.entries()).filter(({ kind }) => kind === 'rotate')
    expect(rotations).toHaveLength(1)
    expect(rotations[0]).toMatchObject({ kid: host.key.kid, successor: successor.kid })
    expect((await made.stateFile.read())?.witness.size).toBe(4)
    await made.offer(body(1))
    await until(() => signers.length > 0)
    expect(signers).toEqual([successor.kid])
    await made.stop()
  })

  it('is adopted before a report of the key that it replaced is given up', async () => {
    // The answer to the rotation is lost, and a report comes before it is asked again.
    const host = await enrolledHost((attempt) => (attempt === 1 ? 'answer' : undefined))
    const { jwk, key: successor } = await generateSigningKey()
    await writeJsonFile(host.paths.successor, jwk)
    const state = createReportingStateFile(join(directory(), 'reporting.json'))
    await state.write({ ...ENROLLED, witness: NOTHING_SEEN })
    const signers: string[] = []
    const post = async (jws: string): Promise<Verdict> => {
      const { kid } = parseReportJws(jws).header
      signers.push(kid)
      if (kid === successor.kid) return RECEIPT
      return { kind: 'refused', status: 401, code: 'KEY_REVOKED', detail: 'it was replaced' }
    }
    const verify = async () => ({ witness: NOTHING_SEEN, entry: 4 })
    // So long a pause that the report comes first.
    const made = await reporter(() => RECEIPT, {
      ...{ keys: await host.open(), post, verify },
      random: () => 1000,
    })
    await until(() => host.attempts() === 1)
    await made.offer(body(1))
    await until(() => signers.length === 2)
    expect(signers).toEqual([host.key.kid, successor.kid])
    await until(async () => (await made.waiting()).length === 0)
    expect(made.isRefused()).toBe(false)
    await made.stop()
  })

  it('is set aside where the cloud refuses it, and the present key goes on', async () => {
    const host = await enrolledHost(() => undefined)
    await host.cloud.post('/v1/admin/hosts/home/revoke', '', host.cloud.adminHeaders)
    const { jwk } = await generateSigningKey()
    await writeJsonFile(host.paths.successor, jwk)
    const keys = await host.open()
    await expect(keys.rotate(NOTHING_SEEN)).rejects.toMatchObject({
      code: 'ROTATION_REFUSED',
      message: expect.stringContaining('KEY_REVOKED'),
    })
    expect(await exists(host.paths.successor)).toBe(false)
    expect(JSON.parse(await readFile(`${host.paths.successor}.refused`, 'utf8'))).toEqual(jwk)
    expect(await host.presentKid()).toBe(host.key.kid)
    expect(await keys.rotate(NOTHING_SEEN)).toBeNull()
  })

  it('is adopted by the next start when the agent ended right after the cloud took it', async () => {
    const host = await enrolledHost(() => undefined)
    const { jwk, key: successor } = await generateSigningKey()
    await writeJsonFile(host.paths.successor, jwk)
    const first = await (await host.open()).rotate(NOTHING_SEEN)
    expect(first).not.toBeNull()
    // The agent ends here: neither the witness nor the key was kept.
    const again = await (await host.open()).rotate(NOTHING_SEEN)
    expect(again?.witness).toEqual(first?.witness)
    await again?.adopt()
    expect(await host.presentKid()).toBe(successor.kid)
    // And here, before the file was removed.
    await writeJsonFile(host.paths.successor, jwk)
    expect(await (await host.open()).rotate(NOTHING_SEEN)).toBeNull()
    expect(await exists(host.paths.successor)).toBe(false)
    expect(host.attempts()).toBe(2)
  })

  it('goes with a nonce where the clock is off', async () => {
    const host = await enrolledHost(() => undefined)
    const { jwk } = await generateSigningKey()
    await writeJsonFile(host.paths.successor, jwk)
    const keys = await host.open()
    const nowMs = host.cloud.clock.ms
    const late = rotateClock(host.cloud.clock, nowMs - 86_400_000)
    const rotated = await keys.rotate(NOTHING_SEEN).finally(late.end)
    expect(rotated?.witness.size).toBe(4)
    expect(host.attempts()).toBe(2)
  })
})

/** A clock that shows another time to whoever looks first, as that of a host beside the cloud's. */
function rotateClock(clock: { ms: number }, hostMs: number) {
  const cloudMs = clock.ms
  let looks = 0
  Object.defineProperty(clock, 'ms', {
    configurable: true,
    get: () => (looks++ === 0 ? hostMs : cloudMs),
  })
  return {
    end: () => {
      Object.defineProperty(clock, 'ms', { configurable: true, writable: true, value: cloudMs })
    },
  }
}

describe('a report that is offered while the key is replaced', () => {
  it('is signed by the successor before it is sent', async () => {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let signer = 'former'
    let isAsked = false
    const made = await reporter(() => RECEIPT, {
      keys: {
        sign: async (report, header) => JSON.stringify({ report, header, signer }),
        hasSigned: (jws) => JSON.parse(jws).signer === signer,
        rotate: async ({ size }) => {
          if (isAsked) return null
          isAsked = true
          await held
          return {
            witness: { size: size + 1, root: 'after' },
            adopt: async () => {
              signer = 'successor'
            },
          }
        },
      },
    })
    await until(() => isAsked)
    await made.offer(body(1))
    release()
    await until(() => made.sent.length > 0)
    expect(made.sent.map(({ jws }) => JSON.parse(jws).signer)).toEqual(['successor'])
    await until(async () => (await made.waiting()).length === 0)
    await made.stop()
  })
})
