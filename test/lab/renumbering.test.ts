import { expect, it } from 'vitest'
import { inNamespace, tryRun } from './command.ts'
import { describeLab, PREFIXES, sharedHome, untilSeen } from './harness.ts'
import { pageOf } from './image.ts'
import { HOME, type LabContainer, labContainers } from './lab-names.ts'
import { askFromOutside } from './prober.ts'
import { addressBelow, measureRenumbering, type RenumberingOptions } from './renumbering.ts'
import { usable } from './router.ts'

const { p1, p2, p3, p4 } = PREFIXES
const UNDISTURBED = { lostIpv4: 0, lostOldIpv6: 0, brokenTcp: 0, restarts: 0 } as const

describeLab('renumbering, watched by a stranger every 20 ms', () => {
  const home = sharedHome()
  const change = (options: RenumberingOptions) =>
    measureRenumbering(home().lab, home().prober, home().watched, options)

  async function expectNames(prefix: typeof p1, containers: readonly LabContainer[]) {
    for (const container of containers) {
      const sight = await untilSeen(home(), container.domain, addressBelow(prefix, container))
      expect(sight.page).toBe(pageOf(container.name))
    }
  }

  it('follows a flash renumbering and disturbs nothing', async () => {
    const result = await change({ cause: 'flash', from: p1, to: p2 })
    expect(result).toMatchObject(UNDISTURBED)
    expect(result.counters.ipv4.sent).toBeGreaterThan(100)
    await expectNames(p2, home().lab.containers)
  })

  it('follows a planned renumbering and disturbs nothing', async () => {
    const result = await change({ cause: 'planned', from: p2, to: p3 })
    expect(result).toMatchObject(UNDISTURBED)
    await expectNames(p3, home().lab.containers)
  })

  it('returns to a former prefix when the router does', async () => {
    await home().lab.router.regular()
    const result = await change({ cause: 'flash', from: p3, to: p1 })
    expect(result).toMatchObject(UNDISTURBED)
    await expectNames(p1, home().lab.containers)
  })

  it('lets in only the exposed port', async () => {
    const { lab, watched } = home()
    const address = addressBelow(p1, watched)
    const reach = (port: string) =>
      tryRun(inNamespace(lab.namespaces.client, [...['busybox', 'nc', '-w', '1', address, port]]), {
        input: 'GET / HTTP/1.0\r\n\r\n',
      })
    expect((await reach('80')).stdout).toContain(pageOf(watched.name))
    expect((await reach('7')).stdout).toBe('')
  })

  it('numbers a container that starts after the change', async () => {
    const late = labContainers(4)[3]
    if (late === undefined) throw new TypeError('no fourth container')
    expect((await askFromOutside(home().lab, late.domain)).addresses).toEqual([])
    await home().lab.home.startContainer(late)
    await expectNames(p1, [late])
  })

  it('numbers a container again that was restarted', async () => {
    const { lab, watched } = home()
    await lab.home.restartContainer(watched.name)
    await expectNames(p1, [watched])
  })

  it('stays where it is while two prefixes are announced', async () => {
    const { lab, agent } = home()
    const seen = agent.events.length
    for (const _ of [1, 2]) await lab.router.announce([usable(p1), usable(p4)])
    await agent.event(
      'the second prefix observed',
      ({ event, fields }) => event === 'observed' && JSON.stringify(fields).includes(p4),
      seen,
    )
    // A container that starts now shows that passes go on, and which prefix they number from.
    await lab.home.restartContainer('api')
    await expectNames(p1, lab.containers)
    expect(agent.events.slice(seen).filter(({ event }) => event === 'renumber')).toEqual([])
  })

  it('leaves a log that verifies', async () => {
    const audit = await home().cloud.verifyAudit()
    expect(audit.ok).toBe(true)
    expect(audit.entries).toBeGreaterThan(8)
    expect(HOME.range).toBe('2001:db8::/34')
  })
})
