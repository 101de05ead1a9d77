import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { parseAddress } from '../../shared/ipv6.ts'
import { inNamespace, tryRun } from './command.ts'
import { waitFor } from './deadline.ts'
import { describeLab, PREFIXES, sharedHome, untilSeen } from './harness.ts'
import { pageOf } from './image.ts'
import { HOME, labContainers } from './lab-names.ts'
import { askFromOutside } from './prober.ts'
import { addressBelow } from './renumbering.ts'
import { reportedPrefixes } from './reported.ts'
import { usable } from './router.ts'

const { p1, p2, p3, p4, p5 } = PREFIXES

describeLab('renumbering while a part is missing', () => {
  const home = sharedHome()

  it('catches up when the agent starts after the change', async () => {
    const { lab, agent, watched } = home()
    expect(await agent.stop()).toBe(0)
    await lab.router.announce([usable(p2)])
    const before = await askFromOutside(lab, watched.domain)
    expect(before.addresses).toEqual([addressBelow(p1, watched)])
    const plan = await agent.command(['plan'])
    expect(plan.stdout).toContain(`renumber to ${p2} from ${p1} (flash)`)
    expect(plan.code).toBe(3)
    await agent.start()
    await untilSeen(home(), watched.domain, addressBelow(p2, watched))
  })

  it('delivers late, in order, when the cloud was down during two changes', async () => {
    const { lab, cloud, agent, watched } = home()
    await cloud.stop()
    const seen = agent.events.length
    for (const prefix of [p3, p4]) {
      const from = agent.events.length
      await lab.router.announce([usable(prefix)])
      await agent.event(
        `renumber to ${prefix}`,
        ({ event, fields }) => event === 'renumber' && fields.to === prefix,
        from,
      )
      // The containers have the new addresses without the cloud.
      await agent.event('made', ({ event }) => event === 'made', from)
      await agent.event('report-sent', ({ event }) => event === 'report-sent', from)
    }
    const during = await askFromOutside(lab, watched.domain)
    expect(during.addresses).toEqual([addressBelow(p2, watched)])
    expect(during.error).toBeUndefined() // the old address still answers

    await cloud.start()
    const sight = await untilSeen(home(), watched.domain, addressBelow(p4, watched))
    expect(sight.error).toBeUndefined()
    await agent.event('receipts', ({ event }) => event === 'receipt', seen)
    expect((await reportedPrefixes(home())).slice(-2)).toEqual([p3, p4])
    expect((await cloud.verifyAudit()).ok).toBe(true)
  })

  it('says that Docker is not running and keeps addresses and records', async () => {
    const { lab, agent, watched } = home()
    await agent.stop()
    await lab.home.docker.stop()
    try {
      const once = await agent.command(['once'])
      expect(once.code).toBe(1)
      expect(`${once.stdout}${once.stderr}`).toMatch(/[Dd]ocker/)
      expect(`${once.stdout}${once.stderr}`).toContain(lab.home.docker.api.socket)
      const sight = await askFromOutside(lab, watched.domain)
      expect(sight.addresses).toEqual([addressBelow(p4, watched)])
      expect(sight.error).toBeUndefined()
    } finally {
      await lab.home.docker.start()
    }
  })

  it('goes on when Docker comes back while it runs', async () => {
    const { lab, agent, watched } = home()
    await agent.start()
    await agent.event('observed', ({ event }) => event === 'observed')
    await lab.home.docker.stop()
    await lab.home.docker.start()
    await lab.router.announce([usable(p5)])
    await untilSeen(home(), watched.domain, addressBelow(p5, watched))
    expect(agent.isRunning()).toBe(true)
  })

  it('numbers a container that starts later from the event of its start', async () => {
    const { lab } = home()
    const late = labContainers(lab.containers.length + 1).at(-1)
    if (late === undefined) throw new TypeError('no spare container')
    await lab.home.startContainer(late)
    const startedAt = performance.now()
    const since = () => Math.round(performance.now() - startedAt)
    const [life] = await lab.home.lives([late])
    const groups = addressBelow(p5, late)
    const isNumbered = async () => {
      const text = await readFile(`/proc/${life?.pid}/net/if_inet6`, 'utf8')
      const found = text
        .split('\n')
        .map((line) => (line.slice(0, 32).match(/.{4}/g) ?? []).join(':'))
      return found.some((one) => one !== '' && parseAddress(one) === groups) || undefined
    }
    const fetch = [
      'busybox',
      'wget',
      '-q',
      '-O',
      '-',
      `http://${HOME.serverIPv4}:${late.httpPort}/`,
    ]
    const isServing = async () => {
      const { stdout } = await tryRun(inNamespace(lab.namespaces.client, fetch))
      return stdout.includes(pageOf(late.name)) || undefined
    }
    const [numbered, serving] = await Promise.all([
      waitFor('the address of a late container', isNumbered, { intervalMs: 1 }).then(since),
      waitFor('its page over IPv4', isServing, { intervalMs: 1 }).then(since),
    ])
    process.stderr.write(
      `a late container: numbered ${numbered} ms after Docker said that it runs, its page over IPv4 after ${serving} ms\n`,
    )
    // The agent looks by itself every 30 s.
    expect(numbered).toBeLessThan(25_000)
    await untilSeen(home(), late.domain, addressBelow(p5, late))
  })
})
