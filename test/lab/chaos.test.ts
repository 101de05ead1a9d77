import { beforeAll, expect, it } from 'vitest'
import type { Prefix } from '../../shared/ipv6.ts'
import { inNamespace, tryRun } from './command.ts'
import { waitFor } from './deadline.ts'
import { converged, describeLab, PREFIXES, sharedHome, untilSeen } from './harness.ts'
import { containerCommand, pageOf } from './image.ts'
import { HOME, labContainer } from './lab-names.ts'
import { leftoversOf, prefixNumber } from './leftovers.ts'
import { CUT_OFF_MS } from './probes.ts'
import { addressBelow, restartsBetween } from './renumbering.ts'
import { deprecated, OFTEN, usable } from './router.ts'
import {
  addressOnSecond,
  connect,
  createSecondNetwork,
  SECOND,
  startAt,
  untilSeenAt,
} from './second-network.ts'

/** Changes of the prefix while containers come and go. */
const CHANGES = 4
/** As often as each kind of coming and going must have happened to say anything. */
const LEAST_ROUNDS = 4
const CHAOS_TIMEOUT_MS = 240_000
/** While Docker starts and ends containers without a pause. */
const BUSY = { timeoutMs: 60_000 } as const
/** How long a name is claimed on, and some time for the withdrawal. */
const WITHDRAWN_WITHIN_MS = 90_000

describeLab('containers and Docker that come and go', () => {
  const losses: string[] = []
  const home = sharedHome(2, () => ({
    spareNames: 4,
    // Docker alone keeps a small machine busy here: other files are stricter.
    lostAfterMs: CUT_OFF_MS,
    probeEveryMs: 250,
    onProbe: (event) => {
      if (event.kind === 'lost') losses.push(`${event.probe}: ${event.reason}`)
    },
  }))
  const [brief, renamed, wanderer, both] = [2, 3, 4, 5].map(labContainer) as [
    ReturnType<typeof labContainer>,
    ReturnType<typeof labContainer>,
    ReturnType<typeof labContainer>,
    ReturnType<typeof labContainer>,
  ]
  beforeAll(() => createSecondNetwork(api()))
  let used = 0
  let at: Prefix = PREFIXES.p1
  const api = () => home().lab.home.docker.api
  const untilServed = (page: string, address: string, port = 80) =>
    waitFor(`${page} at ${address} port ${port}`, async () => {
      const nc = ['busybox', 'nc', '-w', '2', address, `${port}`]
      const { stdout } = await tryRun(inNamespace(home().lab.namespaces.client, nc), {
        input: 'GET / HTTP/1.0\r\n\r\n',
      })
      return stdout.includes(page) ? true : undefined
    })

  async function change(cause: 'flash' | 'planned'): Promise<void> {
    const from = at
    at = prefixNumber(used++)
    const announced = cause === 'flash' ? [usable(at)] : [usable(at), deprecated(from)]
    await home().lab.router.announce(announced, { interval: OFTEN })
  }

  /** Everybody on the first network is where they should be, and nothing else is left. */
  async function expectOrder(containers = home().lab.containers): Promise<void> {
    for (const container of containers) {
      await untilSeen(home(), container.domain, addressBelow(at, container))
    }
    await converged(home())
    expect(await leftoversOf(home(), containers)).toEqual([])
  }

  it(
    'follows every change while containers start, end, are renamed, and change networks',
    async () => {
      const { lab, prober, watched, agent } = home()
      await lab.home.startContainer(renamed)
      await lab.home.startContainer(wanderer)
      await untilSeen(home(), wanderer.domain, addressBelow(at, wanderer))
      const lives = await lab.home.lives(lab.containers)
      let isOver = false
      /** Goes on until all changes are made and it has happened often enough. */
      async function again(round: () => Promise<void>): Promise<void> {
        for (let count = 0; !isOver || count < LEAST_ROUNDS; count++) await round()
      }
      const chaos = Promise.all([
        again(async () => {
          await lab.home.startContainer(brief)
          await api().call('POST', `/containers/${brief.name}/kill`)
          await api().call('DELETE', `/containers/${brief.name}?force=1`)
        }),
        again(async () => {
          await api().call('POST', `/containers/${renamed.name}/rename?name=other`)
          await api().call('POST', '/containers/other/restart?t=0')
          await api().call('POST', `/containers/other/rename?name=${renamed.name}`)
        }),
        again(async () => {
          await connect(api(), SECOND.name, wanderer)
          await api().call('POST', `/networks/${SECOND.name}/disconnect`, {
            Container: wanderer.name,
          })
        }),
      ])
      // The moment that one of them fails is told at the end.
      chaos.catch(() => undefined)
      prober.begin(at, addressBelow(at, watched))
      await prober.sent(5)
      for (let n = 0; n < CHANGES; n++) {
        await change(n % 2 === 0 ? 'flash' : 'planned')
        await untilSeenAt(home(), watched.domain, [addressBelow(at, watched)], BUSY)
      }
      isOver = true
      await chaos
      await expectOrder([...lab.containers, renamed, wanderer])
      const { ipv4, brokenTcp } = await prober.end()
      expect(ipv4.sent).toBeGreaterThan(40)
      expect({ losses, brokenTcp }).toEqual({ losses: [], brokenTcp: 0 })
      expect(restartsBetween(lives, await lab.home.lives(lab.containers))).toBe(0)
      expect(agent.isRunning()).toBe(true)
    },
    CHAOS_TIMEOUT_MS,
  )

  it('numbers a container on two networks on both, and who shares its namespace with it', async () => {
    const follower = labContainer(6)
    await startAt(api(), both, {
      networks: [HOME.network, SECOND.name],
      labels: { 'reprefix.expose': '80/tcp,8080/tcp' },
    })
    const page = containerCommand(follower.name).at(-1)?.replace('[::]:80', '[::]:8080') ?? ''
    await startAt(api(), follower, {
      networks: [`container:${both.name}`],
      labels: { 'reprefix.dns': '' },
      // The echo port is that of the other one.
      command: ['/bin/sh', '-c', page.replace('nc -ll -p 7 -e cat &', '')],
    })
    const lives = await home().lab.home.lives([both, follower])
    for (const cause of ['flash', 'planned'] as const) {
      await change(cause)
      const addresses = [addressBelow(at, both), addressOnSecond(at, both)]
      await untilSeenAt(home(), both.domain, addresses)
      for (const address of addresses) {
        await untilServed(pageOf(both.name), address)
        await untilServed(pageOf(follower.name), address, 8080)
      }
    }
    expect(restartsBetween(lives, await home().lab.home.lives([both, follower]))).toBe(0)
  })

  it('goes on with what changed while Docker was restarted', async () => {
    const { lab } = home()
    const lives = await lab.home.lives(lab.containers)
    await lab.home.docker.stop()
    try {
      await change('flash')
    } finally {
      await lab.home.docker.start()
    }
    await expectOrder()
    expect(restartsBetween(lives, await lab.home.lives(lab.containers))).toBe(0)
  })

  it('waits without haste for a Docker that is not there when it starts', async () => {
    const { lab, agent } = home()
    await agent.stop()
    await lab.home.docker.stop()
    const former = at
    try {
      await change('flash')
      const seen = agent.events.length
      const startedAt = Date.now()
      await agent.start()
      const failures = () =>
        agent.events.slice(seen).filter(({ event }) => event === 'pass-failed').length
      await waitFor('four passes', () => (failures() >= 4 ? true : undefined), {
        timeoutMs: 30_000,
      })
      await lab.router.regular()
      await lab.router.regular()
      // 250 ms, doubled each time up to 2 s where advertisements wake it.
      expect(failures()).toBeLessThan(8 + (Date.now() - startedAt) / 1000)
      for (const container of lab.containers) {
        // Nothing was withdrawn, and the old addresses work.
        const sight = await untilSeen(home(), container.domain, addressBelow(former, container))
        expect(sight.page).toBe(pageOf(container.name))
      }
    } finally {
      await lab.home.docker.start()
    }
    await expectOrder()
  })

  it(
    'has withdrawn the name of the container that is gone',
    async () => {
      await untilSeenAt(home(), brief.domain, [], { timeoutMs: WITHDRAWN_WITHIN_MS })
      await converged(home())
    },
    WITHDRAWN_WITHIN_MS + 30_000,
  )

  it('leaves a log that verifies', async () => {
    expect((await home().cloud.verifyAudit()).ok).toBe(true)
  })
})
