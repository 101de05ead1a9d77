import { execFile } from 'node:child_process'
import { Resolver } from 'node:dns/promises'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { decodeBase64, encodeBase64 } from '../../shared/base64.ts'
import { type NoteVerifier, parseVkey } from '../../shared/checkpoint.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import { parseJoin } from '../../shared/join.ts'
import { generateSigningKey, type SigningKey, signEnrolment, signReport } from '../../shared/jws.ts'
import { EMPTY_ROOT } from '../../shared/merkle.ts'
import { verifyReceipt } from '../../shared/receipt.ts'
import type { Report } from '../../shared/report.ts'
import { parseName } from '../../shared/rrset.ts'
import { type Daemon, startDaemon } from '../lab/daemon.ts'
import { waitFor } from '../lab/deadline.ts'
import { nodeProgram } from '../lab/programs.ts'
import { describeServer, nsupdate } from './update-rig.ts'
import { freePort, type LabKey, startBind, type UpdateServer } from './update-server.ts'

const TOKEN = 'operator-token-of-the-tests'
const KILLS = 6
const name = parseName('www.example.test')

/** `reprefix serve` as a process of its own, in front of a real name server. */
async function startServe(server: UpdateServer) {
  const directory = await mkdtemp(join(tmpdir(), 'reprefix-cloud-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let daemon: Daemon | undefined

  const useKey = ({ name: key, algorithm, secret }: LabKey, every = '5min') =>
    writeFile(
      join(directory, 'cloud.yaml'),
      `url: ${url}
listen: "127.0.0.1:${port}"
store: file:${directory}/cloud.db
log: { key: ${directory}/log.key }
admin: { token: ${TOKEN} }
pass: { every: ${every} }
zones: { ${server.zone}: { providers: [bind], nameServers: ["127.0.0.1:${server.port}"] } }
providers:
  bind:
    type: rfc2136
    server: 127.0.0.1:${server.port}
    tsig: { name: ${key}, algorithm: ${algorithm}, secret: "${secret}" }
`,
    )
  const boot = async () => {
    const argv = nodeProgram('reprefix.js', ['serve', '--config', join(directory, 'cloud.yaml')])
    const started = await startDaemon({ name: 'cloud', argv, logFile: join(directory, 'log') })
    daemon = started
    const isUp = () => fetch(`${url}/healthz`).then(({ ok }) => ok || undefined)
    await waitFor('answer of the cloud', () => isUp().catch(() => undefined), {
      intervalMs: 20,
      hopeless: () => started.failure(),
    })
  }
  const operate = (...args: string[]) =>
    new Promise<string>((resolve, reject) => {
      const [file = '', ...rest] = nodeProgram('reprefix.js', args)
      const env = { ...process.env, REPREFIX_URL: url, REPREFIX_TOKEN: TOKEN }
      execFile(file, rest, { env }, (error, stdout) =>
        error ? reject(Object.assign(error, { stdout })) : resolve(stdout),
      )
    })
  await useKey(server.addresses)
  await boot()
  return {
    url,
    useKey,
    boot,
    operate,
    logged: () => readFile(join(directory, 'log'), 'utf8'),
    halt: async (signal: NodeJS.Signals) => void (await daemon?.stop(signal)),
    close: async () => {
      if (daemon?.isRunning()) await daemon.stop()
      await rm(directory, { recursive: true })
    },
  }
}

/** A host that verifies every receipt against the last one. */
function createHost(url: string, key: SigningKey, verifiers: readonly NoteVerifier[]) {
  let witness = { size: 0, root: EMPTY_ROOT }
  let seq = Date.now()
  const post = async (jws: string) => {
    const headers = { 'content-type': 'application/jose' }
    const response = await fetch(`${url}/v1/reports`, { method: 'POST', body: jws, headers })
    return { status: response.status, body: await response.json() }
  }
  return {
    async sign(value: string) {
      const report: Report = {
        v: 1,
        host: 'home',
        seq: ++seq,
        prefix: { current: parsePrefix('2001:db8:1::/64'), cause: 'flash' },
        records: [{ name, type: 'AAAA', values: [value] }],
        steps: [],
        log: { size: witness.size, root: encodeBase64(witness.root) },
        agent: '0.1.0',
      }
      const iat = Math.floor(Date.now() / 1000)
      return signReport(report, key, { url: `${url}/v1/reports`, iat })
    },
    post,
    async verify(jws: string, body: unknown) {
      const { entry, checkpoint } = await verifyReceipt(body, { verifiers, witness, jws })
      witness = checkpoint
      return entry.outcomes
    },
  }
}

describeServer('the cloud and BIND', { named: 'bind9', nsupdate: 'bind9-dnsutils' }, () => {
  let bind: UpdateServer
  let cloud: Awaited<ReturnType<typeof startServe>>
  let host: ReturnType<typeof createHost>
  const resolver = new Resolver()

  beforeAll(async () => {
    bind = await startBind()
    resolver.setServers([`127.0.0.1:${bind.port}`])
    cloud = await startServe(bind)
    // Hundreds of reports in a few seconds, which no host sends.
    const rate = ['--reports-per-hour', '1000000']
    const policy = ['--name', name, '--prefix', '2001:db8::/32', ...rate]
    const invited = JSON.parse(await cloud.operate('host', 'add', 'home', ...policy, '--json'))
    const invitation = parseJoin(invited.join)
    const { key } = await generateSigningKey()
    const jws = await signEnrolment(invitation, key, Math.floor(Date.now() / 1000))
    const headers = { 'content-type': 'application/jose' }
    await fetch(`${cloud.url}/v1/enroll`, { method: 'POST', body: jws, headers })
    host = createHost(cloud.url, key, [await parseVkey(invitation.vkey)])
  })
  afterAll(async () => {
    await cloud?.close()
    await bind?.stop()
  })

  const intact = async () => {
    const lines = (await cloud.operate('audit', 'verify', '--json')).trim().split('\n')
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ kind: 'summary', ok: true })
  }

  it('answers 202 while BIND is down, and the same bytes finish once it is back', async () => {
    await bind.halt()
    const jws = await host.sign('2001:db8:1::1')
    for (const attempt of [1, 2]) {
      const pending = await host.post(jws)
      expect([attempt, pending.status]).toEqual([attempt, 202])
    }
    await bind.resume()
    const { status, body } = await host.post(jws)
    expect(status).toBe(200)
    expect(await host.verify(jws, body)).toMatchObject([{ name, outcome: 'created' }])
    expect(await resolver.resolve6(name)).toEqual(['2001:db8:1::1'])
    await intact()
  })

  it('says in the log that the key is wrong, and the next report makes it good', async () => {
    await cloud.halt('SIGTERM')
    const secret = encodeBase64(decodeBase64(bind.addresses.secret).reverse())
    await cloud.useKey({ ...bind.addresses, secret })
    await cloud.boot()
    const failed = await host.sign('2001:db8:1::2')
    const answer = await host.post(failed)
    expect(await host.verify(failed, answer.body)).toMatchObject([
      { outcome: 'failed', error: { kind: 'auth', message: expect.stringContaining('secret') } },
    ])
    expect(await resolver.resolve6(name)).toEqual(['2001:db8:1::1'])
    await cloud.halt('SIGTERM')
    await cloud.useKey(bind.addresses)
    await cloud.boot()
    const jws = await host.sign('2001:db8:1::3')
    await host.verify(jws, (await host.post(jws)).body)
    expect(await resolver.resolve6(name)).toEqual(['2001:db8:1::3'])
    await intact()
  })

  it('says what is served, and who overwrites it', async () => {
    const rrsets = async () => {
      const lines = (await cloud.operate('dns', 'check', '--json')).trim().split('\n')
      return lines.map((line) => JSON.parse(line))
    }
    expect(await rrsets()).toMatchObject([{ name, state: { kind: 'live' } }])
    expect(await cloud.operate('dns', 'plan')).toMatch(/^Nothing to change: 1 RRsets/)
    await waitFor('word that it is served', async () =>
      (await cloud.logged()).includes(`${name} AAAA is served by 1 name servers`),
    )
    await nsupdate(bind, [`update delete ${name} AAAA`, `update add ${name} 60 AAAA ::9`])
    const differs = { code: 3, stdout: expect.stringMatching(/overwritten +all serve ::9/) }
    await expect(cloud.operate('dns', 'check')).rejects.toMatchObject(differs)
    const planned = { code: 3, stdout: expect.stringMatching(/update +::9 → 2001:db8:1::3/) }
    await expect(cloud.operate('dns', 'plan')).rejects.toMatchObject(planned)
  })

  it('writes again what somebody else has changed, in the log first', async () => {
    await cloud.halt('SIGTERM')
    await cloud.useKey(bind.addresses, '10s')
    await cloud.boot()
    await waitFor('what was reported', async () =>
      (await resolver.resolve6(name)).join() === '2001:db8:1::3' ? true : undefined,
    )
    const [line = ''] = (await cloud.operate('audit', 'log', '--kind', 'drift', '--json')).split(
      '\n',
    )
    expect(JSON.parse(line).entry.records).toEqual([
      {
        ...{ name, type: 'AAAA', provider: 'bind', cause: 'changed' },
        ...{ found: ['::9'], values: ['2001:db8:1::3'] },
      },
    ])
    await intact()
  })

  it('killed at any instant loses no report, doubles none, and ends with the last claim', async () => {
    let isOver = false
    let last = ''
    let posted = 0
    const stream = async () => {
      while (!isOver) {
        last = `2001:db8:1::f:${(++posted).toString(16)}`
        const jws = await host.sign(last)
        for (;;) {
          const answer = await host.post(jws).catch(() => undefined)
          if (answer?.status === 200) {
            await host.verify(jws, answer.body)
            break
          }
          expect([undefined, 202, 503]).toContain(answer?.status)
          await sleep(20)
        }
      }
    }
    const entries = async (kind: string) =>
      (await cloud.operate('audit', 'log', '--json'))
        .trim()
        .split('\n')
        .filter((line) => JSON.parse(line).entry.kind === kind).length
    const before = await entries('report')
    const reporting = stream()
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(50 + Math.random() * 250)
      await cloud.halt('SIGKILL')
      await cloud.boot()
    }
    isOver = true
    await reporting
    expect(await entries('report')).toBe(before + posted)
    expect(await entries('applied')).toBe(before + posted)
    expect(await resolver.resolve6(name)).toEqual([last])
    await intact()
  })
})
