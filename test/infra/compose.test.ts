import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsePrefix } from '../../shared/ipv6.ts'
import { prepareEnrolment } from '../conformance/agent.ts'
import { composeVersions } from '../lab/docker-versions.ts'
import { IMAGE_PACKAGES, labObstacle } from '../lab/packages.ts'
import { ADDRESSES, type ComposeHost, createComposeHost, NAME, SITE } from './compose-host.ts'

const SLOW = { timeout: 180_000 }
const FAMILIES = Object.entries(ADDRESSES)

const obstacle = labObstacle(IMAGE_PACKAGES)
const { available, missing } =
  obstacle === undefined ? await composeVersions() : { available: [], missing: [] }
const [compose] = available
const reason = obstacle ?? missing.map((each) => `${each.suite}: ${each.reason}`).join('; ')

if (compose === undefined) {
  process.stderr.write(`\nSKIPPED: infra: the cloud in a container: ${reason}\n`)
  describe.skip(`the cloud in a container (skipped: ${reason})`, () => {
    it('is built, started and asked', () => {})
  })
} else {
  describe('the cloud in a container', () => testContainer(compose.program))
}

function testContainer(program: string): void {
  let host: ComposeHost

  beforeAll(async () => {
    host = await createComposeHost(program)
    await host.up()
  }, 400_000)
  afterAll(() => host?.remove())

  const inspect = async (service: string) =>
    Object(await host.api.call('GET', `/containers/reprefix-${service}-1/json`))
  const hosts = async (): Promise<readonly string[]> => {
    const lines = (await host.operate(['host', 'list', '--json'])).trim().split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line).host)
  }

  it('is healthy once its store answers', async () => {
    const { State } = await inspect('cloud')
    expect(State.Health.Status).toBe('healthy')
    const answer = await host.ask({ to: ADDRESSES.IPv4.server, path: '/readyz' })
    expect(answer).toMatchObject({ status: 200, body: '{"status":"ready"}' })
  })

  it('runs as nobody in particular, and may write its store alone', SLOW, async () => {
    const { State, HostConfig, Mounts } = await inspect('cloud')
    const status = await readFile(`/proc/${State.Pid}/status`, 'utf8')
    expect(status).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m)
    expect(status).toMatch(/^CapEff:\t0{16}$/m)
    expect(status).toMatch(/^CapBnd:\t0{16}$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    expect(HostConfig.ReadonlyRootfs).toBe(true)
    const writable = Mounts.filter(({ RW }: { RW: boolean }) => RW)
    expect(writable.map(({ Destination }: { Destination: string }) => Destination)).toEqual([
      '/data',
    ])
    for (const path of ['/app/x', '/etc/x', '/run/secrets/x', '/etc/reprefix/cloud.yaml']) {
      const { code } = await host.compose(['exec', '-T', 'cloud', 'touch', path])
      expect(code, path).not.toBe(0)
    }
    const { code } = await host.compose(['exec', '-T', 'cloud', 'touch', '/data/x', '/tmp/x'])
    expect(code).toBe(0)
  })

  it.each(FAMILIES)('sees the real client over %s', async (_, { server, client }) => {
    const answer = await host.ask({ to: server, path: '/v1/whoami' })
    expect(answer).toMatchObject({ status: 200, body: JSON.stringify({ address: client }) })
  })

  it.each(FAMILIES)('believes nobody else’s X-Forwarded-For over %s', async (_, addresses) => {
    const headers = { 'x-forwarded-for': '2001:db8::bad, 172.30.90.250' }
    const answer = await host.ask({ to: addresses.server, path: '/v1/whoami', headers })
    expect(JSON.parse(answer.body)).toEqual({ address: addresses.client })
  })

  it('takes a report that comes from inside its prefix, and no other', SLOW, async () => {
    const policy = ['--name', NAME, '--prefix', '2001:db8::/32', '--source-check', 'require']
    const added = JSON.parse(await host.operate(['host', 'add', 'nas', ...policy, '--json']))
    const post = async (path: string, body: string, family: keyof typeof ADDRESSES) => {
      const headers = { 'content-type': 'application/jose' }
      const answer = await host.ask({ to: ADDRESSES[family].server, path, headers, body })
      return { status: answer.status, body: JSON.parse(answer.body) }
    }
    const { jws, agent } = await prepareEnrolment('nas', added.join)
    expect(await post('/v1/enroll', jws, 'IPv6')).toMatchObject({ status: 200 })
    const report = async (family: keyof typeof ADDRESSES) => {
      const values = ['2001:db8:ffff::5']
      const records = [{ name: NAME, type: 'AAAA' as const, values }]
      const prefix = { current: parsePrefix('2001:db8:ffff::/64'), cause: 'flash' as const }
      const url = `https://${SITE}/v1/reports`
      const signed = await agent.sign(agent.reportOf({ prefix, records }), { url })
      return { signed, ...(await post('/v1/reports', signed, family)) }
    }
    const outside = await report('IPv4')
    expect(outside).toMatchObject({ status: 403, body: { code: 'SOURCE_MISMATCH' } })
    const inside = await report('IPv6')
    expect(inside.status).toBe(200)
    await agent.verify(inside.signed, inside.body)
    expect(await host.resolve(NAME)).toEqual(['2001:db8:ffff::5'])
  })

  it('leads from http to https', async () => {
    const answer = await host.ask({ to: ADDRESSES.IPv6.server, path: '/healthz', tls: false })
    expect(answer).toMatchObject({ status: 308, location: expect.stringMatching(/^https:/) })
  })

  it('has no port of its own open to the world', async () => {
    const { NetworkSettings } = await inspect('cloud')
    expect(Object.values(NetworkSettings.Ports)).toEqual([null])
  })

  it('keeps its store over a restart, and over a new container', SLOW, async () => {
    await host.compose(['restart', 'cloud'])
    await host.up()
    expect(await hosts()).toEqual(['nas'])
    await host.compose(['down'])
    await host.up()
    expect(await hosts()).toEqual(['nas'])
  })

  it('is put back from a backup, with the key of its log', SLOW, async () => {
    const tar = ['run', '--rm', '--no-deps', '-T', '--entrypoint', 'tar', 'cloud', '-C', '/data']
    const checkpoint = async () => {
      const request = { to: ADDRESSES.IPv4.server, path: '/v1/log/checkpoint' }
      return (await host.ask(request)).body
    }
    await host.compose(['stop', 'cloud'])
    const saved = await host.composeWith({ output: 'backup.tar' }, [...tar, '-cf', '-', '.'])
    expect(saved.code, saved.stderr).toBe(0)
    await host.up()
    const before = await checkpoint()
    await host.compose(['down', '--volumes'])
    const restored = await host.composeWith({ input: 'backup.tar' }, [...tar, '-xf', '-'])
    expect(restored.code, restored.stderr).toBe(0)
    await host.up()
    expect(await hosts()).toEqual(['nas'])
    expect(await checkpoint()).toBe(before)
  })

  it.each([
    ['key/unknown', 'zones:', 'zone:', /cloud\.yaml: zone: .*\(line \d+\)/],
    ['secret/missing', 'secrets/dns-token', 'secrets/dns', /\/run\/secrets\/dns\b/],
    ['store/elsewhere', 'file:/data/cloud.db', 'd1:DB', /store: d1 is .*: write file:PATH/],
  ])('does not start with %s, and says what to write', SLOW, async (_, from, to, fault) => {
    const undo = await host.edit('cloud.yaml', from, to)
    const { code, stderr } = await host.compose(['run', '--rm', '--no-deps', 'cloud'])
    await undo()
    expect(code).toBe(2)
    expect(stderr).toMatch(fault)
  })

  it('has its configuration checked before it is started anew', SLOW, async () => {
    const check = ['config', 'check', '--config', '/etc/reprefix/cloud.yaml']
    const run = () => host.compose(['run', '--rm', '--no-deps', 'cloud', ...check])
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringContaining('is right') })
    const undo = await host.edit('cloud.yaml', 'ttl: 60', 'ttl: never')
    const { code, stderr } = await run()
    await undo()
    expect(code).toBe(2)
    expect(stderr).toMatch(/cloud\.yaml: zones\.example\.org\.ttl: /)
  })

  it('sees a gateway instead of the client where the network has no IPv6', SLOW, async () => {
    const compose = await readFile(host.path('compose.yaml'), 'utf8')
    await host.compose(['down'])
    await writeFile(
      host.path('compose.yaml'),
      compose
        .replace('enable_ipv6: true', 'enable_ipv6: false')
        .replace(/^.*fd72:6570:7265:90::.*\n/gm, ''),
    )
    await host.up()
    const answer = await host.ask({ to: ADDRESSES.IPv6.server, path: '/v1/whoami' })
    expect(JSON.parse(answer.body)).toEqual({ address: '172.30.90.1' })
  })
}
