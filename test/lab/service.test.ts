import { execFileSync } from 'node:child_process'
import { copyFile, mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run, tryRun } from './command.ts'
import { waitFor } from './deadline.ts'
import { describeLab, PREFIXES } from './harness.ts'
import { containerCommand, renderImage } from './image.ts'
import { HOME, labContainers } from './lab-names.ts'
import { createNamespaces } from './namespaces.ts'
import { builtProgram } from './programs.ts'
import { type Router, startRouter, usable } from './router.ts'
import { createRunDirectory, type RunDirectory } from './run-directory.ts'
import { removeAbandonedLabs, removeLab } from './sweep.ts'
import { bootSystemd, type SystemdHost, systemdObstacle } from './systemd.ts'

const { p1, p2, p3 } = PREFIXES
const UNIT = 'reprefix-agent'
const SETTINGS = `interface: ${HOME.uplink}\nndp: { backend: ndppd }\n`
const [WEB] = labContainers(1)
const SLOW = { timeout: 60_000 }

/** Makes the package, and returns its path. */
function makePackage(): string {
  const dist = dirname(builtProgram('reprefix-agent.js'))
  const script = join(dist, '../infra/package.mjs')
  return execFileSync(process.execPath, [script], { encoding: 'utf8' }).trim()
}

describeLab('the agent as one file', () => {
  it('runs alone in an empty directory', SLOW, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'one-file-'))
    try {
      const file = join(directory, 'reprefix-agent.js')
      await copyFile(builtProgram('reprefix-agent.js'), file)
      const at = { directory }
      expect(await run([file, '--version'], at)).toMatch(/^\d+\.\d+\.\d+\n$/)
      await writeFile(join(directory, 'agent.yaml'), `${SETTINGS}stateDirectory: ${directory}/s\n`)
      const doctor = ['doctor', '--json', '--config', join(directory, 'agent.yaml')]
      const { stdout, stderr } = await tryRun([process.execPath, file, ...doctor], at)
      expect(JSON.parse(stdout)).toMatchObject({ kind: 'doctor' })
      // Not even a warning of Node's that it had to guess the kind of module.
      expect(stderr).toBe('')
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})

describeLab('the Debian package', () => {
  it('is the same to the byte each time, whatever the umask', SLOW, async () => {
    const deb = makePackage()
    const first = await readFile(deb)
    const before = process.umask(0o077)
    try {
      makePackage()
    } finally {
      process.umask(before)
    }
    expect((await readFile(deb)).equals(first)).toBe(true)
    expect(await run(['dpkg-deb', '--field', deb, 'Depends'])).toContain('nodejs (>= 20.19)')
  })
})

const obstacle = systemdObstacle()
const describeService = (name: string, tests: () => void): void => {
  if (obstacle === undefined) {
    describeLab(name, tests)
    return
  }
  process.stderr.write(`\nSKIPPED: lab: ${name}: ${obstacle}\n`)
  describe.skip(`${name} (skipped: ${obstacle})`, tests)
}

describeService('the agent under systemd', () => {
  let host: SystemdHost
  let router: Router
  let deb: string
  let directory: RunDirectory | undefined

  beforeAll(async () => {
    removeAbandonedLabs()
    deb = makePackage()
    directory = createRunDirectory()
    const namespaces = await createNamespaces(directory.id)
    router = await startRouter(directory, namespaces)
    host = await bootSystemd(directory, namespaces.home)
    await host.put('etc/docker/daemon.json', '{ "live-restore": true }')
    await host.run(['systemctl', 'start', 'docker'])
    await router.announce([usable(p1)])
  }, 120_000)
  afterAll(() => directory && removeLab(directory.id))

  const show = async (property: string) =>
    (await host.run(['systemctl', 'show', '-P', property, UNIT])).trim()
  const until = (property: string, value: string, timeoutMs = 20_000) =>
    waitFor(
      `${property} ${value}`,
      async () => ((await show(property)) === value ? true : undefined),
      { timeoutMs, intervalMs: 50 },
    )
  /** Docker answers nothing meanwhile, so that a pass waits for it. */
  const whileDockerHangs = async (what: () => Promise<void>) => {
    await host.run(['systemctl', 'kill', '--signal=STOP', 'docker.service'])
    try {
      await what()
    } finally {
      await host.run(['systemctl', 'kill', '--signal=CONT', 'docker.service'])
    }
  }
  const addressesOf = async (name: string) => {
    const shown: unknown = await host.docker.call('GET', `/containers/${name}/json`)
    const { Pid } = (shown as { State: { Pid: number } }).State
    return host.run(['nsenter', '-t', `${Pid}`, '-n', 'ip', '-6', '-o', 'address'])
  }
  const untilNumbered = (address: string) =>
    waitFor(
      address,
      async () => ((await addressesOf('web')).includes(`${address}/80`) ? true : undefined),
      { intervalMs: 100, timeoutMs: 30_000 },
    )

  async function startContainer(): Promise<void> {
    const { docker } = host
    const image = await renderImage()
    await docker.call('POST', '/images/create?fromSrc=-&repo=lab&tag=latest', image)
    await docker.call('POST', '/networks/create', {
      Name: HOME.network,
      EnableIPv6: true,
      IPAM: { Config: [{ Subnet: HOME.ipv4Subnet }, { Subnet: HOME.ulaSubnet }] },
      Options: { 'com.docker.network.bridge.name': HOME.bridge },
      Labels: { 'reprefix.subnet': HOME.suffix },
    })
    await docker.call('POST', '/containers/create?name=web', {
      Image: 'lab',
      Cmd: containerCommand('web'),
      Labels: { 'reprefix.expose': '80/tcp' },
      HostConfig: { NetworkMode: HOME.network },
      NetworkingConfig: {
        EndpointsConfig: { [HOME.network]: { IPAMConfig: { IPv6Address: WEB?.ula } } },
      },
    })
    await docker.call('POST', '/containers/web/start')
  }

  it('is installed by its package, enabled, and waits for its settings', SLOW, async () => {
    await copyFile(deb, host.path('root/agent.deb'))
    // What it depends on is there, though perhaps not from a package: Node above all.
    await host.run(['dpkg', '--force-depends', '--install', '/root/agent.deb'])
    expect(await host.run(['systemctl', 'is-enabled', UNIT])).toBe('enabled\n')
    // It was to be started, and was not.
    expect(Number(await show('ConditionTimestampMonotonic'))).toBeGreaterThan(0)
    expect(await show('ConditionResult')).toBe('no')
    expect(await show('ActiveState')).toBe('inactive')
    expect(await host.run(['reprefix-agent', '--version'])).toMatch(/^\d/)
    const unit = `/usr/lib/systemd/system/${UNIT}.service`
    const verify = await host.tryRun(['systemd-analyze', 'verify', '--man=no', unit])
    expect(verify).toMatchObject({ code: 0, stderr: '' })
    const rated = await host.tryRun(['systemd-analyze', 'security', '--threshold=33', UNIT])
    expect(rated.code, rated.stdout.slice(-200)).toBe(0)
  })

  it('is not started again and again with wrong settings', SLOW, async () => {
    await host.put('etc/reprefix/agent.yaml', 'nonsense: 1\n')
    expect((await host.tryRun(['systemctl', 'start', UNIT])).code).not.toBe(0)
    expect(await show('ExecMainStatus')).toBe('2')
    expect(await show('SubState')).toBe('failed')
    expect(await show('NRestarts')).toBe('0')
  })

  it('is active when its first pass has ended, and not before', SLOW, async () => {
    await host.put('etc/reprefix/agent.yaml', SETTINGS)
    await whileDockerHangs(async () => {
      await host.run(['systemctl', 'start', '--no-block', UNIT])
      await waitFor('the start of the agent', async () => {
        const log = await host.run(['journalctl', '-u', UNIT, '--output=cat', '--no-pager'])
        return /"event":"start".*"means":"netlink"/.test(log) ? true : undefined
      })
      expect(await show('ActiveState')).toBe('activating')
    })
    await until('ActiveState', 'active')
    await until('StatusText', `${HOME.uplink}: ${p1}`)
  })

  it('renumbers a container from within its fence, on every plane', SLOW, async () => {
    await startContainer()
    await untilNumbered('2001:db8:1:1:1::101')
    expect(await readFile(host.path('etc/ndppd.conf'), 'utf8')).toContain(`iface ${HOME.bridge}`)
    expect((await host.run(['systemctl', 'is-active', 'ndppd'])).trim()).toBe('active')
    expect(await host.run(['ip6tables', '-S', 'REPREFIX'])).toContain('--dport 80 -j ACCEPT')
    await router.announce([usable(p2)])
    await untilNumbered('2001:db8:2:2:1::101')
    await until('StatusText', `${HOME.uplink}: ${p2}`)
  })

  it('may write where it has to, and nowhere else', SLOW, async () => {
    const main = await show('MainPID')
    const touch = (file: string) =>
      host.tryRun(['nsenter', '-t', main, '--mount', 'sh', '-c', `: >>${file}`])
    for (const file of ['/etc/.ndppd.conf.new', '/run/xtables.lock', '/var/lib/reprefix/probe']) {
      expect((await touch(file)).code, file).toBe(0)
    }
    await rm(host.path('etc/.ndppd.conf.new'))
    await rm(host.path('var/lib/reprefix/probe'))
    const closed = [
      '/etc/systemd/x',
      '/etc/reprefix/x',
      '/run/x',
      '/usr/x',
      '/var/lib/x',
      '/root/x',
    ]
    for (const file of closed) expect((await touch(file)).code, file).not.toBe(0)
    const status = await readFile(host.path(`proc/${main}/status`), 'utf8')
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    expect(status).toMatch(/^Seccomp:\t2$/m)
    // CHOWN, FOWNER, NET_ADMIN, NET_RAW, SYS_PTRACE, SYS_ADMIN
    expect(status).toMatch(/^CapEff:\t0000000000283009$/m)
  })

  it('reloads until the pass that answers it has ended', SLOW, async () => {
    await whileDockerHangs(async () => {
      await host.run(['systemctl', 'kill', '--kill-who=main', '--signal=HUP', UNIT])
      await until('ActiveState', 'reloading')
    })
    await until('ActiveState', 'active')
  })

  it('is ended and started anew when it hangs', SLOW, async () => {
    const dropIn = `etc/systemd/system/${UNIT}.service.d/watchdog.conf`
    await host.put(dropIn, '[Service]\nWatchdogSec=4s\n')
    await host.run(['systemctl', 'daemon-reload'])
    await host.run(['systemctl', 'restart', UNIT])
    const main = await show('MainPID')
    // Longer than the period: it is its signs of life that keep it.
    const ping = () => show('WatchdogTimestampMonotonic')
    for (let count = 0, last = await ping(); count < 3; count++) {
      last = await waitFor(
        'a sign of life',
        async () => {
          const now = await ping()
          return now === last ? undefined : now
        },
        { intervalMs: 50 },
      )
    }
    expect(await show('MainPID')).toBe(main)
    await host.run(['kill', '-STOP', main])
    await until('NRestarts', '1', 30_000)
    await until('ActiveState', 'active')
    expect(await show('MainPID')).not.toBe(main)
    await rm(host.path(dropIn))
    await host.run(['systemctl', 'daemon-reload'])
  })

  it('is started anew after a crash', SLOW, async () => {
    await host.run(['systemctl', 'restart', UNIT])
    const before = Number(await show('NRestarts'))
    await host.run(['kill', '-KILL', await show('MainPID')])
    await until('NRestarts', String(before + 1))
    await until('ActiveState', 'active')
  })

  it('leaves the host as it is when it stops, and when it is removed', SLOW, async () => {
    const left = async () => [
      (await addressesOf('web')).includes('2001:db8:2:2:1::101/80'),
      (await host.run(['ip6tables', '-S'])).includes('-A FORWARD -j REPREFIX'),
      (await host.run(['ip', '-6', 'route'])).includes('2001:db8:2:2:1::/80'),
      (await host.run(['systemctl', 'is-active', 'ndppd'])).trim(),
    ]
    const before = await left()
    expect(before).toEqual([true, true, true, 'active'])
    await host.run(['systemctl', 'stop', UNIT])
    expect(await show('Result')).toBe('success')
    expect(await left()).toEqual(before)
    await host.run(['dpkg', '--remove', 'reprefix-agent'])
    expect(await left()).toEqual(before)
    expect(await readFile(host.path('etc/reprefix/agent.yaml'), 'utf8')).toBe(SETTINGS)
    expect(await readFile(host.path('var/lib/reprefix/state.json'), 'utf8')).toContain(p2)
  })

  it('is there again when it is installed again, and gone after a purge', SLOW, async () => {
    await router.announce([usable(p3)])
    await host.run(['dpkg', '--force-depends', '--install', '/root/agent.deb'])
    await until('ActiveState', 'active')
    await untilNumbered('2001:db8:3:3:1::101')
    const files = (await host.run(['dpkg', '--listfiles', 'reprefix-agent'])).trim().split('\n')
    await host.run(['dpkg', '--purge', 'reprefix-agent'])
    const ours = files.filter((file) => file.includes('reprefix'))
    expect(ours.length).toBeGreaterThan(10)
    for (const file of [...ours, '/var/lib/reprefix', `/etc/systemd/system/${UNIT}.service`]) {
      expect((await host.tryRun(['test', '-e', file])).code, file).not.toBe(0)
      await expect(readlink(host.path(file))).rejects.toThrow()
    }
    const wanted = 'etc/systemd/system/multi-user.target.wants/reprefix-agent.service'
    await expect(readlink(host.path(wanted))).rejects.toThrow()
    expect((await host.tryRun(['dpkg', '--status', 'reprefix-agent'])).code).not.toBe(0)
  })
})
