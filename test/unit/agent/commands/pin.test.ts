import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEnrolment } from '../../../../agent/adapters/enrolment-file.ts'
import type { HttpGet } from '../../../../agent/adapters/http-client.ts'
import { acquireLock } from '../../../../agent/adapters/lock.ts'
import { runPin } from '../../../../agent/commands/pin.ts'
import { readVerification } from '../../../../agent/commands/verify.ts'
import { type AgentConfig, parseConfig } from '../../../../agent/config.ts'
import { generateNoteSigner, signCheckpoint } from '../../../../shared/checkpoint.ts'
import { EMPTY_ROOT } from '../../../../shared/merkle.ts'
import { startTestCloud } from '../../../fakes/test-cloud.ts'
import { createReportedHost } from './reported-host.ts'

let config: AgentConfig
beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pin-'))
  config = parseConfig(`interface: eth0\nstateDirectory: ${directory}`, 'agent.yaml', () => '')
})
afterEach(() => rm(config.paths.directory, { recursive: true, force: true }))

/** A host that has reported to a cloud which got a second key only after that. */
async function hostBeforeSecondKey() {
  const former = await createReportedHost(config, 2)
  const next = (await generateNoteSigner('cloud.example.org')).signer
  const { store, signer } = former.cloud
  const cloud = await startTestCloud({}, { store, signer, nextSigner: next })
  return { cloud, former, first: signer, next }
}

type Cloud = Pick<Awaited<ReturnType<typeof startTestCloud>>, 'app'>

/** Reads from the cloud; what was asked for is noted. */
function reading({ app }: Cloud, asked: string[] = []): HttpGet {
  return async (url) => {
    asked.push(url)
    const response = await app.request(new URL(url).pathname)
    return { status: response.status, retryAfter: null, text: await response.text() }
  }
}

const shown: string[] = []
const pin = (vkey: string, get: HttpGet, json = false) => {
  shown.length = 0
  return runPin(config, vkey, { json, get, print: (line) => void shown.push(line) })
}
const pinnedKeys = async () => {
  const enrolment = await readEnrolment(config.paths.enrolment)
  return { vkey: enrolment?.vkey, earlier: enrolment?.earlierVkeys }
}
const verified = () =>
  readVerification(async () => config, { files: [], keys: [], onProgress: () => undefined })

describe('reprefix-agent pin', () => {
  it('replaces the pinned key by one that signs the same log, and keeps it for old receipts', async () => {
    const { cloud, first, next } = await hostBeforeSecondKey()
    const asked: string[] = []
    await pin(next.vkey, reading(cloud, asked))
    expect(asked).toEqual(['https://c.example/v1/log/checkpoint'])
    expect(shown).toEqual([`home trusts the log's key ${next.vkey} from now on`])
    expect(await pinnedKeys()).toEqual({ vkey: next.vkey, earlier: [first.vkey] })
    expect(await verified()).toMatchObject({ ok: true, vkeys: [next.vkey, first.vkey] })
    await pin(first.vkey, reading(cloud))
    expect(await pinnedKeys()).toEqual({ vkey: first.vkey, earlier: [next.vkey] })
  })

  it('asks nobody when the key is pinned already', async () => {
    const { first, former } = await hostBeforeSecondKey()
    const asked: string[] = []
    await pin(first.vkey, reading(former.cloud, asked), true)
    expect(asked).toEqual([])
    expect(JSON.parse(shown[0] ?? '')).toEqual({ kind: 'pinned', host: 'home', vkey: first.vkey })
  })

  it('refuses a key that does not sign the log, and a log that the pinned key does not sign', async () => {
    const { cloud, former, first, next } = await hostBeforeSecondKey()
    const invalid = { code: 'CHECKPOINT_INVALID' }
    await expect(pin(next.vkey, reading(former.cloud))).rejects.toMatchObject(invalid)
    const stranger = (await generateNoteSigner('cloud.example.org')).signer
    await expect(pin(stranger.vkey, reading(cloud))).rejects.toMatchObject(invalid)
    const forged = await signCheckpoint(
      { origin: next.name, size: 100, root: EMPTY_ROOT },
      next,
      stranger,
    )
    const forging: HttpGet = async () => ({ status: 200, retryAfter: null, text: forged })
    await expect(pin(next.vkey, forging)).rejects.toMatchObject({
      ...invalid,
      message: expect.stringContaining('the key that is pinned here'),
    })
    expect(await pinnedKeys()).toEqual({ vkey: first.vkey, earlier: undefined })
  })

  it('refuses a log that is shorter than the one this host has seen', async () => {
    const { first, next } = await hostBeforeSecondKey()
    const short = await signCheckpoint(
      { origin: next.name, size: 1, root: EMPTY_ROOT },
      first,
      next,
    )
    const get: HttpGet = async () => ({ status: 200, retryAfter: null, text: short })
    await expect(pin(next.vkey, get)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringMatching(/log of 1 entries, this host has seen one of \d+/),
    })
  })

  it('changes nothing while the cloud cannot be reached', async () => {
    const { next, first } = await hostBeforeSecondKey()
    const unreachable = { code: 'CLOUD_UNREACHABLE' }
    const down: HttpGet = () => Promise.reject(new Error('connection refused'))
    await expect(pin(next.vkey, down)).rejects.toMatchObject(unreachable)
    const failing: HttpGet = async () => ({ status: 502, retryAfter: null, text: 'x' })
    await expect(pin(next.vkey, failing)).rejects.toMatchObject(unreachable)
    expect((await pinnedKeys()).vkey).toBe(first.vkey)
  })

  it('wants a key of the log, an enrolled host, and no agent that runs', async () => {
    const other = (await generateNoteSigner('other.example.org')).signer
    const { cloud, next } = await hostBeforeSecondKey()
    const usage = { code: 'USAGE' }
    await expect(pin('nonsense', reading(cloud))).rejects.toMatchObject(usage)
    await expect(pin(other.vkey, reading(cloud))).rejects.toMatchObject({
      ...usage,
      message: expect.stringContaining('other.example.org'),
    })
    const lock = await acquireLock(config.paths.directory)
    await expect(pin(next.vkey, reading(cloud))).rejects.toMatchObject({ code: 'ALREADY_RUNNING' })
    await lock.release()
    await writeFile(config.paths.enrolment, '')
    await expect(pin(next.vkey, reading(cloud))).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
    await rm(config.paths.enrolment)
    await expect(pin(next.vkey, reading(cloud))).rejects.toMatchObject(usage)
  })
})
