import { describe, expect, it } from 'vitest'
import { encodeBase64 } from '../../../shared/base64.ts'
import { parseVkey } from '../../../shared/checkpoint.ts'
import { generateSigningKey, type SigningKey } from '../../../shared/jws.ts'
import { EMPTY_ROOT } from '../../../shared/merkle.ts'
import { verifyRotationReceipt } from '../../../shared/receipt.ts'
import { signRotation } from '../../../shared/rotation.ts'
import { CLOUD_URL, startTestCloud } from '../../fakes/test-cloud.ts'
import { expectIntact, kinds, type TestCloud } from './app-checks.ts'

const ROTATE_URL = `${CLOUD_URL}/v1/rotate`

interface Change {
  readonly host?: string
  readonly url?: string
  readonly iat?: number
  readonly nonce?: string
}

async function newKey(): Promise<SigningKey> {
  return (await generateSigningKey()).key
}

/** A rotation of the agent's key as the agent asks for it. */
async function rotation(
  cloud: TestCloud,
  agent: { readonly host: string; readonly key: SigningKey },
  successor: SigningKey,
  { host = agent.host, url = ROTATE_URL, ...change }: Change = {},
): Promise<string> {
  const iat = Math.floor(cloud.clock.ms / 1000)
  const log = { size: 0, root: encodeBase64(EMPTY_ROOT) }
  return signRotation({ host, log }, { key: agent.key, successor }, { url, iat, ...change })
}

async function ask(cloud: TestCloud, jws: string) {
  const response = await cloud.post('/v1/rotate', jws)
  const body = Object(await response.json())
  return { status: response.status, body }
}

describe('a rotation', () => {
  it('replaces the key, with a proof, and reports go on with the successor alone', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    await agent.report()
    const successor = await newKey()
    const { status, body } = await ask(cloud, await rotation(cloud, agent, successor))
    expect(status).toBe(200)
    const verified = await verifyRotationReceipt(body, {
      verifiers: [await parseVkey(cloud.signer.vkey)],
      witness: { size: 0, root: EMPTY_ROOT },
      host: 'home',
      kid: agent.key.kid,
      successor: successor.kid,
    })
    expect(verified.index).toBe(5)
    expect((await agent.report()).body).toMatchObject({ status: 401, code: 'KEY_REVOKED' })
    const after = cloud.createAgent('home', successor)
    expect((await after.report({ seq: cloud.clock.ms + 5000 })).response.status).toBe(200)
    const expected = ['genesis', 'policy', 'enroll', 'report', 'applied', 'rotate']
    expect(await kinds(cloud)).toEqual([...expected, 'report', 'applied'])
    await expectIntact(cloud)
  })

  it('asked for again, also with another signing time, gives the same proof', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const successor = await newKey()
    const first = await ask(cloud, await rotation(cloud, agent, successor))
    const { length } = await cloud.entries()
    cloud.clock.ms += 3_600_000
    const stale = await rotation(cloud, agent, successor, { iat: 1 })
    expect((await ask(cloud, stale)).body).toEqual(first.body)
    expect(await cloud.entries()).toHaveLength(length)
    await expectIntact(cloud)
  })

  it('needs the time, or a nonce for the key it is of', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const successor = await newKey()
    const late = await ask(cloud, await rotation(cloud, agent, successor, { iat: 1 }))
    expect(late.body).toMatchObject({ status: 401, code: 'USE_NONCE' })
    const { nonce } = late.body
    const again = await ask(cloud, await rotation(cloud, agent, successor, { iat: 1, nonce }))
    expect(again.status).toBe(200)
  })

  it('takes the sequence and the rate along', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home', { reportsPerHour: 10 })
    for (let i = 0; i < 9; i += 1) await agent.report()
    const successor = await newKey()
    expect((await ask(cloud, await rotation(cloud, agent, successor))).status).toBe(200)
    const after = cloud.createAgent('home', successor)
    const low = await after.report({ seq: cloud.clock.ms })
    expect(low.body).toMatchObject({ code: 'SEQUENCE_STALE', seq: cloud.clock.ms + 9 })
    const high = await after.report({ seq: cloud.clock.ms + 100 })
    expect(high.body).toMatchObject({ code: 'RATE_LIMITED' })
    const third = await rotation(cloud, { host: 'home', key: successor }, await newKey())
    expect((await ask(cloud, third)).body).toMatchObject({ code: 'RATE_LIMITED' })
  })

  it('of a host that is revoked, or whose answer is about another key, is refused', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const jws = await rotation(cloud, agent, await newKey())
    await cloud.post('/v1/admin/hosts/home/revoke', '', cloud.adminHeaders)
    expect((await ask(cloud, jws)).body).toMatchObject({ code: 'KEY_REVOKED' })
    await expectIntact(cloud)
  })

  it('can be revoked like any key', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const successor = await newKey()
    await ask(cloud, await rotation(cloud, agent, successor))
    await cloud.post('/v1/admin/hosts/home/revoke', '', cloud.adminHeaders)
    const after = cloud.createAgent('home', successor)
    expect((await after.report()).body).toMatchObject({ code: 'KEY_REVOKED' })
    await expectIntact(cloud)
  })
})
