import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDockerControl, type DockerControl } from '../../agent/adapters/docker.ts'
import { createSettleJournal } from '../../agent/adapters/settle-journal.ts'
import { createSettler } from '../../agent/adapters/settler.ts'
import { createLogger } from '../../shared/logger.ts'
import { inNamespace, run, tryRun } from './command.ts'
import { waitFor } from './deadline.ts'
import { describeLab } from './harness.ts'
import { pageOf } from './image.ts'
import { createLab, type Lab } from './lab.ts'
import { HOME } from './lab-names.ts'
import {
  addLooping,
  createScene,
  NETWORK,
  pictureOfContainer,
  pictureOfNetwork,
  planScene,
  RUNNING,
  STOPPED,
  SUBNETS,
} from './settle-scene.ts'

/** The calls that change something, in the order in which they are declared. */
const CHANGES = [
  'createNetwork',
  'removeNetwork',
  'connect',
  'disconnect',
  'stop',
  'start',
] as const

/** Nine places off the network and back, and the network removed and made. */
const CHANGE_COUNT = 20

type Fate = 'before' | 'after'

/** Dies at the n-th change: the call is not made, or is made and its answer never seen. */
function dyingControl(control: DockerControl, n: number, fate: Fate) {
  let count = 0
  let isDead = false
  const die = (): never => {
    isDead = true
    throw new Error('killed')
  }
  const wrapped = new Proxy(control, {
    get: (target, name: keyof DockerControl) => {
      const call: (...args: never[]) => Promise<unknown> = target[name]
      return async (...args: never[]) => {
        if (isDead) throw new Error('killed')
        const isChange = CHANGES.some((change) => change === name)
        if (isChange) count += 1
        const isLast = isChange && count === n
        if (isLast && fate === 'before') die()
        const result = await call(...args)
        if (isLast && fate === 'after') die()
        return result
      }
    },
  })
  return { control: wrapped, isDead: () => isDead }
}

const SETUP_TIMEOUT_MS = 120_000

// Not from outside like the rest of the lab: only so can it die between two calls to Docker.
describeLab('settling a network of a real Docker', () => {
  let lab: Lab
  let directory: string
  let control: DockerControl
  let at: 0 | 1 = 0

  beforeAll(async () => {
    lab = await createLab({ containers: 0 })
    directory = await mkdtemp(join(tmpdir(), 'reprefix-settle-'))
    control = createDockerControl(lab.home.docker.api.socket)
    await createScene(lab.home.docker.api)
  }, SETUP_TIMEOUT_MS)
  afterAll(async () => {
    lab?.close()
    await rm(directory, { recursive: true, force: true })
  })

  const journal = () => createSettleJournal(join(directory, 'settle.json'))
  const log = createLogger({ level: 'error', name: 'settle' })
  const settlerOn = (docker: DockerControl) =>
    createSettler({ control: docker, journal: journal(), log })

  /** From the subnet that the network has now to the other one. */
  const nextPlan = () => planScene(control, SUBNETS[at], SUBNETS[at === 0 ? 1 : 0])

  async function pictures(): Promise<unknown> {
    const { api } = lab.home.docker
    const names = [...RUNNING, ...STOPPED]
    const all = await Promise.all(names.map((name) => pictureOfContainer(api, name)))
    return {
      network: await pictureOfNetwork(api),
      ...Object.fromEntries(names.map((n, i) => [n, all[i]])),
    }
  }

  /** The same as before, below the other subnet. */
  function moved(picture: unknown): unknown {
    const [from, to] = [SUBNETS[at], SUBNETS[at === 0 ? 1 : 0]].map((s) => s.split('::')[0] ?? '')
    return JSON.parse(JSON.stringify(picture).replaceAll(from ?? '', to ?? ''))
  }

  it('gives everything back as it was, below the new prefix', async () => {
    let ms = 0
    const { api } = lab.home.docker
    await api.call('POST', '/containers/paused/pause')
    try {
      const before = await pictures()
      const startedAt = performance.now()
      const outcome = await settlerOn(control).carryOut(await nextPlan())
      ms = Math.round(performance.now() - startedAt)
      expect(outcome).toEqual({ kind: 'settled', attachments: 9, notes: [] })
      const expected = moved(before)
      at = 1
      expect(await pictures()).toEqual(expected)
    } finally {
      // A frozen process cannot be ended, and the lab not removed.
      await api.call('POST', '/containers/paused/unpause')
    }
    process.stderr.write(`settled 9 attachments in ${ms} ms\n`)
  })

  it('leaves names, published ports and the way out working', async () => {
    const { api } = lab.home.docker
    const pid = Object(await api.call('GET', '/containers/free/json')).State.Pid
    const inside = (argv: readonly string[]) =>
      tryRun(['nsenter', '-t', String(pid), '-n', ...argv])
    for (const name of ['fixed', 'shop', 'f', 'database']) {
      const { stdout } = await inside(['busybox', 'nslookup', name, '127.0.0.11'])
      expect(stdout).toContain('2001:db8:2:2:5::50')
      expect(stdout).toContain('172.30.7.50')
    }
    const page = await inside(['busybox', 'wget', '-qO-', 'http://[2001:db8:2:2:5::50]/'])
    expect(page.stdout).toContain(pageOf('fixed'))
    const url = `http://${HOME.serverIPv4}:8090/`
    expect(
      await run(inNamespace(lab.namespaces.client, ['busybox', 'wget', '-qO-', url])),
    ).toContain(pageOf('fixed'))
  })

  it('lets containers start that were stopped or never started', async () => {
    const { api } = lab.home.docker
    for (const name of STOPPED) {
      await api.call('POST', `/containers/${name}/start`)
      const { NetworkSettings } = Object(await api.call('GET', `/containers/${name}/json`))
      expect(NetworkSettings.Networks[NETWORK].GlobalIPv6Address).toMatch(/^2001:db8:2:2:5::/)
      await api.call('POST', `/containers/${name}/kill`)
      await api.call('POST', `/containers/${name}/wait`)
    }
  })

  it.each(
    Array.from({ length: CHANGE_COUNT }, (_, index) => index + 1).flatMap((n) => [
      { n, fate: 'before' as const },
      { n, fate: 'after' as const },
    ]),
  )('killed at change $n, $fate it happens, is finished by the next start', async ({ n, fate }) => {
    const before = await pictures()
    const dying = dyingControl(control, n, fate)
    await expect(settlerOn(dying.control).carryOut(await nextPlan())).rejects.toThrow('killed')
    expect(dying.isDead()).toBe(true)
    const settler = settlerOn(control)
    const left = await settler.unfinished()
    if (left === null) throw new TypeError('nothing to resume from')
    expect(await settler.resume(left)).toMatchObject({ kind: 'settled', notes: [] })
    expect(await pictures()).toEqual(moved(before))
    expect(await settler.unfinished()).toBe(null)
    at = at === 0 ? 1 : 0
  })

  it('brings the former network back when Docker refuses the new one', async () => {
    const before = await pictures()
    const plan = await nextPlan()
    // Docker refuses an address pool that another network has.
    await lab.home.docker.api.call('POST', '/networks/create', {
      Name: 'squatter',
      EnableIPv6: true,
      IPAM: { Config: [{ Subnet: '172.30.9.0/24' }, { Subnet: plan.to }] },
    })
    const outcome = await settlerOn(control).carryOut(plan)
    expect(outcome).toMatchObject({ kind: 'restored', notes: [] })
    expect(await pictures()).toEqual(before)
    await lab.home.docker.api.call('DELETE', '/networks/squatter')
  })

  // Docker doubles its pause with every try, up to a minute; a start of ours begins anew.
  const TRIES = { timeoutMs: 90_000 }

  it.each([
    { planned: 'while it runs', isRestarting: false },
    { planned: 'between two tries', isRestarting: true },
  ])('takes along a container that ends over and over, planned $planned', async (row) => {
    const { api } = lab.home.docker
    const looping = async () => Object(await api.call('GET', '/containers/looping/json')).State
    const between = async () => ((await looping()).Restarting === true ? true : undefined)
    await addLooping(api)
    const plan = await waitFor(
      'a plan at the right moment',
      async () => {
        const next = await nextPlan()
        const found = next.attachments.find(({ containerName }) => containerName === 'looping')
        return found?.isRestarting === row.isRestarting ? next : undefined
      },
      TRIES,
    )
    await waitFor('the pause between two tries', between, TRIES)
    expect(await settlerOn(control).carryOut(plan)).toEqual({
      ...{ kind: 'settled', attachments: 10, notes: [] },
    })
    const settledAt = Date.now()
    at = at === 0 ? 1 : 0
    const tried = await waitFor(
      'another try on the new network',
      async () => {
        const state = await looping()
        return Date.parse(state.StartedAt) > settledAt && state.ExitCode === 1 ? state : undefined
      },
      TRIES,
    )
    // A try on a network that is no more would leave its fault in the state.
    expect(tried.Error).toBe('')
    await api.call('DELETE', '/containers/looping?force=1')
  })
})
