import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RunCommand, runCommand } from '../../agent/adapters/command.ts'
import { createDefaultBridgeSettler } from '../../agent/adapters/default-bridge.ts'
import { createDockerControl } from '../../agent/adapters/docker.ts'
import {
  type DefaultBridgePlan,
  planDefaultBridge,
} from '../../agent/domain/default-bridge-need.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import { inNamespace, run } from './command.ts'
import { describeLab } from './harness.ts'
import { containerCommand } from './image.ts'
import { createLab, type Lab } from './lab.ts'

const FIRST = parsePrefix('2001:db8:1:1::/77')
// Lies inside the first.
const SECOND = parsePrefix('2001:db8:1:1:4::/80')
const THIRD = parsePrefix('2001:db8:2:2::/80')
const SETUP_TIMEOUT_MS = 120_000

// Not from outside like the rest of the lab: there is no service manager here to restart dockerd.
describeLab('the default bridge of a real Docker', () => {
  let lab: Lab
  let path: string

  beforeAll(async () => {
    lab = await createLab({ containers: 0 })
    path = join(lab.directory.path, 'docker', 'daemon.json')
    await configure({ 'live-restore': false, ipv6: true, 'fixed-cidr-v6': FIRST })
  }, SETUP_TIMEOUT_MS)
  afterAll(() => lab?.close())

  const docker = () => lab.home.docker

  async function configure(more: object): Promise<void> {
    await docker().stop()
    const before = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify({ ...before, ...more }, null, '\t'))
    await docker().start()
  }

  let restarts = 0
  const runInLab: RunCommand = async ([program, ...args], options) => {
    if (program === 'dockerd') return runCommand([program, ...args], options)
    if (program === 'ip') {
      const [first = '', ...rest] = inNamespace(lab.namespaces.home, [program, ...args])
      return runCommand([first, ...rest], options)
    }
    restarts += 1
    await docker().stop()
    try {
      await docker().start()
      return { exitCode: 0, stdout: '', stderr: '' }
    } catch (cause) {
      return { exitCode: 1, stdout: '', stderr: String(cause) }
    }
  }

  const settler = () =>
    createDefaultBridgeSettler(
      {
        configPath: path,
        restart: ['restart-docker'],
        recordPath: join(lab.directory.path, 'default-bridge.json'),
      },
      { run: runInLab, control: createDockerControl(docker().api.socket), startTimeoutMs: 5000 },
    )

  async function planTo(to: typeof FIRST): Promise<DefaultBridgePlan> {
    const current = parsePrefix('2001:db8:ffff::/64')
    const bridge = { to, current, within: [parsePrefix('2000::/3')], isInUse: false }
    const planned = planDefaultBridge(bridge, await readFile(path, 'utf8'), path)
    if (!('plan' in planned) || planned.plan === null) throw new TypeError('nothing to settle')
    return planned.plan
  }

  /** Docker's own IPv6 subnet of the default bridge, and the host's routes to it. */
  async function bridge() {
    const { IPAM } = Object(await docker().api.call('GET', '/networks/bridge'))
    const subnets: { Subnet: string }[] = IPAM.Config
    const routes = await run(
      inNamespace(lab.namespaces.home, ['ip', '-6', 'route', 'show', 'dev', 'docker0']),
    )
    return {
      subnets: subnets.map(({ Subnet }) => Subnet).filter((text) => text.includes(':')),
      routes: routes.split('\n').flatMap((line) => /^2001:\S+/.exec(line)?.[0] ?? []),
    }
  }

  it.each([SECOND, THIRD])('is renumbered to %s, and the former subnet is gone', async (to) => {
    const before = await readFile(path, 'utf8')
    const plan = await planTo(to)
    expect(await settler().carryOut(plan)).toEqual({ kind: 'settled' })
    expect((await bridge()).subnets).toEqual([to])
    expect((await bridge()).routes.filter((route) => route !== to)).toEqual([])
    expect(await readFile(path, 'utf8')).toBe(before.replace(plan.from, to))
    expect(await settler().resume()).toBe(null)
  })

  it('has its former file and a running Docker when dockerd does not start with the new one', async () => {
    const before = await readFile(path, 'utf8')
    const plan = await planTo(FIRST)
    const outcome = await settler().carryOut({
      ...plan,
      text: plan.text?.replace(FIRST, '2001:db8:1:1::/200') ?? null,
    })
    expect(outcome).toMatchObject({ kind: 'restored' })
    expect(await readFile(path, 'utf8')).toBe(before)
    expect((await bridge()).subnets).toEqual([THIRD])
  })

  it('is finished by the next start when the agent died before Docker was restarted', async () => {
    const control = createDockerControl(docker().api.socket)
    const dying = createDefaultBridgeSettler(
      {
        configPath: path,
        restart: ['restart-docker'],
        recordPath: join(lab.directory.path, 'default-bridge.json'),
      },
      { run: () => Promise.reject(new Error('killed')), control },
    )
    await expect(dying.carryOut(await planTo(FIRST))).rejects.toThrow('killed')
    expect((await bridge()).subnets).toEqual([THIRD])
    expect(await settler().resume()).toEqual({ kind: 'settled' })
    expect((await bridge()).subnets).toEqual([FIRST])
  })

  it('is only edited, and nothing restarted, with live-restore while a container runs', async () => {
    await configure({ 'live-restore': true })
    const { api } = docker()
    await api.call('POST', '/containers/create?name=one', {
      Image: 'reprefix-lab',
      Cmd: containerCommand('one'),
    })
    await api.call('POST', '/containers/one/start')
    const before = restarts
    expect(await settler().carryOut(await planTo(THIRD))).toEqual({ kind: 'edited' })
    expect(restarts).toBe(before)
    expect(JSON.parse(await readFile(path, 'utf8'))['fixed-cidr-v6']).toBe(THIRD)
    expect((await bridge()).subnets).toEqual([FIRST])
    expect(await settler().isEffective()).toBe(false)
    // The only container ends: from now on a restart takes effect.
    await api.call('DELETE', '/containers/one?force=1')
    expect(await settler().isEffective()).toBe(true)
    const plan = { from: FIRST, to: THIRD, text: null }
    expect(await settler().carryOut(plan)).toEqual({ kind: 'settled' })
    expect((await bridge()).subnets).toEqual([THIRD])
  })
})
