import { existsSync } from 'node:fs'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { inNamespace, run } from './command.ts'
import { waitFor } from './deadline.ts'
import { describeLab, sharedHome } from './harness.ts'
import { HOME } from './lab-names.ts'

interface Found {
  readonly id: string
  readonly level: string
  readonly what: string
  readonly remedy: string | null
}

describeLab('the doctor on a host where one thing is wrong', () => {
  const home = sharedHome()
  const onHost = (...argv: string[]) => run(inNamespace(home().lab.namespaces.home, argv))
  const stateFile = (name: string) => join(home().lab.directory.path, 'agent/state', name)
  const ndppdConfig = () => join(home().lab.directory.path, 'ndppd.conf')
  const sysctl = (name: string, value: number) =>
    onHost('sh', '-c', `echo ${value} > /proc/sys/${name.replaceAll('.', '/')}`)
  let ndppdText = ''
  let usual: readonly string[] = []

  async function doctor(): Promise<{ code: number; wrong: readonly Found[] }> {
    const { code, stdout } = await home().agent.command(['doctor', '--json'])
    const { findings } = JSON.parse(stdout) as { findings: Found[] }
    return { code, wrong: findings.filter(({ level }) => level !== 'ok') }
  }
  const named = (wrong: readonly Found[]) =>
    wrong.map(({ id, level }) => `${id} ${level}`).filter((one) => !usual.includes(one))

  beforeAll(async () => {
    // It would mend some of what is broken here.
    await home().agent.stop()
    ndppdText = await readFile(ndppdConfig(), 'utf8')
  })

  it('finds nothing but that the agent does not run', async () => {
    const { code, wrong } = await doctor()
    expect(wrong.filter(({ level }) => level === 'fail')).toEqual([])
    expect(code).toBe(0)
    expect(named(wrong)).toContain('agent warn')
    usual = named(wrong)
  })

  async function killNdppd(): Promise<void> {
    const pid = (await readFile(join(home().lab.directory.path, 'ndppd.pid'), 'utf8')).trim()
    process.kill(Number(pid), 'SIGKILL')
    await waitFor('the end of ndppd', () => (existsSync(`/proc/${pid}`) ? undefined : true))
  }
  const startNdppd = () => onHost(join(home().lab.directory.path, 'agent/restart-ndppd'))
  const conf = (name: string) => `net.ipv6.conf.${name}`

  it.each<[string, readonly string[], () => Promise<unknown>, () => Promise<unknown>]>([
    [
      'forwarding is off',
      ['forwarding fail'],
      () => sysctl(conf('all.forwarding'), 0),
      () => sysctl(conf('all.forwarding'), 1),
    ],
    [
      'router advertisements are ignored',
      ['accept-ra fail'],
      () => sysctl(conf(`${HOME.uplink}.accept_ra`), 1),
      () => sysctl(conf(`${HOME.uplink}.accept_ra`), 2),
    ],
    ['ndppd was killed', ['ndppd fail'], killNdppd, startNdppd],
    [
      'ndppd cannot read its configuration',
      ['ndppd-config fail'],
      () => writeFile(ndppdConfig(), 'proxy eth0 {\n'),
      () => writeFile(ndppdConfig(), ndppdText),
    ],
    [
      'Docker is stopped',
      ['docker fail'],
      () => home().lab.home.docker.stop(),
      () => home().lab.home.docker.start(),
    ],
    [
      'docker0 has an address of a former subnet',
      ['docker0 warn'],
      async () => {
        await sysctl(conf('docker0.disable_ipv6'), 0)
        await onHost('ip', '-6', 'address', 'add', '2001:db8:9::1/80', 'dev', 'docker0')
      },
      () => onHost('ip', '-6', 'address', 'flush', 'dev', 'docker0', 'scope', 'global'),
    ],
    [
      'anybody may write the settings',
      ['settings-mode fail'],
      () => chmod(home().agent.configuration, 0o666),
      () => chmod(home().agent.configuration, 0o644),
    ],
    [
      'anybody may read the key',
      ['key-file fail'],
      () => chmod(stateFile('enrolment.json'), 0o644),
      () => chmod(stateFile('enrolment.json'), 0o600),
    ],
    [
      'an enrolment that was begun is damaged',
      ['enrolment-pending warn'],
      () => writeFile(stateFile('enrolment-pending.json'), '{"kty":'),
      () => rm(stateFile('enrolment-pending.json')),
    ],
    [
      'a waiting report is damaged',
      ['outbox warn'],
      () => writeFile(stateFile('outbox/000000000000999.json'), '{'),
      () => rm(stateFile('outbox/000000000000999.json')),
    ],
    ['the cloud is down', ['cloud fail'], () => home().cloud.stop(), () => home().cloud.start()],
    [
      'the uplink is down, and with it all that hangs on it',
      ['uplink fail', 'prefix fail', 'cloud fail'],
      () => onHost('ip', 'link', 'set', HOME.uplink, 'down'),
      () => onHost('ip', 'link', 'set', HOME.uplink, 'up'),
    ],
  ])('sees exactly that %s', async (_what, expected, harm, mend) => {
    await harm()
    try {
      const { code, wrong } = await doctor()
      expect(named(wrong)).toEqual(expected)
      expect(code).toBe(expected.some((one) => one.endsWith('fail')) ? 1 : 0)
      const [first] = wrong.filter(({ id }) => expected[0]?.startsWith(id))
      expect(first?.remedy).toBeTruthy()
    } finally {
      await mend()
    }
  })

  it('refuses settings that are unusable', async () => {
    const settings = await readFile(home().agent.configuration, 'utf8')
    await writeFile(home().agent.configuration, 'interface: [\n')
    try {
      expect((await home().agent.command(['doctor'])).code).toBe(2)
    } finally {
      await writeFile(home().agent.configuration, settings)
    }
  })
})
