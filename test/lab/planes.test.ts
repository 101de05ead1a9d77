import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { type Prefix, parseAddress, splice } from '../../shared/ipv6.ts'
import { inNamespace, run, tryRun } from './command.ts'
import { waitFor } from './deadline.ts'
import { describeLab, PREFIXES, sharedHome, untilSeen } from './harness.ts'
import { HOME } from './lab-names.ts'
import { addressBelow } from './renumbering.ts'
import { usable } from './router.ts'

const { p1, p2, p3 } = PREFIXES
/** `auto` would answer the second container after 30 s, the fifth after two minutes. */
const AT_ONCE_MS = 20_000
/** The agent looks by itself every 30 s. */
const BEFORE_POLL_MS = 25_000
/** On the LAN beside our subnet, and inside it where no container is. */
const FOREIGN = { beside: '::abcd', 'inside the subnet': '::1:0:0:dead' } as const

describeLab('the neighbour proxy', () => {
  const home = sharedHome(5)
  const onHost = (...argv: string[]) => run(inNamespace(home().lab.namespaces.home, argv))
  const onRouter = (...argv: string[]) => inNamespace(home().lab.namespaces.router, argv)
  const answers = async (address: string) =>
    (await tryRun(onRouter('busybox', 'ping', '-6', '-c', '1', '-W', '1', address))).code === 0
  const at = (prefix: Prefix, host: string) => splice(prefix, parseAddress(host))

  /** What the router, as any machine of the LAN, learns from duplicate address detection. */
  async function detectDuplicate(address: string): Promise<'free' | 'duplicate'> {
    const show = onRouter('ip', '-6', '-json', 'address', 'show', 'dev', 'lan', 'to', address)
    await run(onRouter('sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/lan/accept_dad'))
    await run(onRouter('ip', '-6', 'address', 'add', `${address}/128`, 'dev', 'lan'))
    try {
      return await waitFor('the end of duplicate address detection', async () => {
        const text = await run(show)
        if (text.includes('"dadfailed"')) return 'duplicate'
        return text.includes(address) && !text.includes('"tentative"') ? 'free' : undefined
      })
    } finally {
      await run(onRouter('ip', '-6', 'address', 'del', `${address}/128`, 'dev', 'lan'))
      await run(onRouter('sh', '-c', 'echo 0 >/proc/sys/net/ipv6/conf/lan/accept_dad'))
    }
  }

  /** Renumbers, and returns how long after the agent was done the last container answered, in ms. */
  async function renumber(to: Prefix): Promise<number> {
    const { lab, agent } = home()
    const seen = agent.events.length
    await lab.router.announce([usable(to)])
    await agent.event('renumber', ({ event }) => event === 'renumber', seen, { intervalMs: 1 })
    const decided = agent.events.findLastIndex(({ event }) => event === 'renumber')
    await agent.event('made', ({ event }) => event === 'made', decided, { intervalMs: 1 })
    const madeAt = performance.now()
    const times = lab.containers.map(async (container) => {
      const address = addressBelow(to, container)
      await waitFor(address, async () => ((await answers(address)) ? true : undefined))
      return performance.now() - madeAt
    })
    return Math.max(...(await Promise.all(times)))
  }

  const restarts = () =>
    home().agent.events.filter(
      ({ event, fields }) =>
        event === 'step' &&
        fields.step === 'proxy-set' &&
        !String(fields.target).endsWith('file only'),
    ).length
  const ndppd = async () =>
    Number(await readFile(join(home().lab.directory.path, 'ndppd.pid'), 'utf8').catch(() => '0'))

  const expectForeignToBeFree = (prefix: Prefix) => async () => {
    for (const host of Object.values(FOREIGN)) {
      expect(await detectDuplicate(at(prefix, host))).toBe('free')
    }
  }

  it('answers with ndppd for five containers at once after a change', async () => {
    const ms = await renumber(p2)
    process.stderr.write(`ndppd: the last of five answered ${Math.round(ms)} ms after the change\n`)
    expect(ms).toBeLessThan(AT_ONCE_MS)
  })

  it('leaves addresses of others free with ndppd', () => expectForeignToBeFree(p2)())

  it('answers with ndppd for nothing that does not exist', async () => {
    const nobody = at(p2, FOREIGN['inside the subnet'])
    expect(await answers(nobody)).toBe(false)
    const neighbour = await run(onRouter('ip', '-6', 'neigh', 'show', 'to', nobody, 'dev', 'lan'))
    expect(neighbour).not.toContain('lladdr')
  })

  it('starts an ndppd that has ended long before the next poll', async () => {
    const { agent } = home()
    const seen = agent.events.length
    process.kill(await ndppd(), 'SIGKILL')
    const killedAt = performance.now()
    await agent.event('made', ({ event }) => event === 'made', seen)
    const ms = Math.round(performance.now() - killedAt)
    process.stderr.write(`ndppd: started again ${ms} ms after it was killed\n`)
    expect(ms).toBeLessThan(BEFORE_POLL_MS)
  })

  it('restarts ndppd once when a network is made anew', async () => {
    const { lab, watched } = home()
    const before = restarts()
    await lab.home.recreateNetwork(lab.containers)
    await untilSeen(home(), watched.domain, addressBelow(p2, watched))
    expect(restarts() - before).toBe(1)
  })

  it('changes from ndppd to the kernel', async () => {
    const { lab, agent, watched } = home()
    const settings = parse(await readFile(agent.configuration, 'utf8'))
    await agent.stop()
    process.kill(await ndppd(), 'SIGTERM')
    // Of the settings that the kernel needs, the lab makes none.
    await onHost('sh', '-c', 'echo 0 >/proc/sys/net/ipv6/conf/eth0/proxy_ndp')
    await writeFile(agent.configuration, stringify({ ...settings, ndp: { backend: 'kernel' } }))
    const plan = await agent.command(['plan'])
    expect(plan.stdout).toContain('neighbour-enable')
    await agent.start()
    await waitFor('an entry for each container', async () => {
      const entries = await onHost('ip', '-6', 'neigh', 'show', 'proxy')
      const isThere = lab.containers.every((container) =>
        entries.includes(`${addressBelow(p2, container)} dev eth0 proxy proto 174`),
      )
      return isThere || undefined
    })
    await untilSeen(home(), watched.domain, addressBelow(p2, watched))
  })

  it('answers with the kernel for five containers at once after a change', async () => {
    const ms = await renumber(p3)
    process.stderr.write(
      `kernel: the last of five answered ${Math.round(ms)} ms after the change\n`,
    )
    expect(ms).toBeLessThan(AT_ONCE_MS)
    const entries = await onHost('ip', '-6', 'neigh', 'show', 'proxy')
    for (const container of home().lab.containers) {
      expect(entries).toContain(addressBelow(p2, container))
      expect(await answers(addressBelow(p2, container))).toBe(true)
    }
  })

  it('leaves addresses of others free with the kernel, and defends ours', async () => {
    await expectForeignToBeFree(p3)()
    const [first] = home().lab.containers
    if (first === undefined) throw new TypeError('no container')
    expect(await detectDuplicate(addressBelow(p3, first))).toBe('duplicate')
  })

  it('answers again after the link was down', async () => {
    const { lab, watched } = home()
    await onHost('ip', 'link', 'set', HOME.uplink, 'down')
    expect(await onHost('ip', '-6', 'neigh', 'show', 'proxy')).toBe('')
    await onHost('ip', 'link', 'set', HOME.uplink, 'up')
    // The way to the cloud, which the kernel has forgotten with the link.
    await onHost('ip', 'route', 'replace', 'default', 'via', HOME.routerIPv4)
    await untilSeen(home(), watched.domain, addressBelow(p3, watched))
    for (const container of lab.containers) {
      expect(await answers(addressBelow(p3, container))).toBe(true)
    }
  })

  it('takes the entry of a container away with it, and keeps those of others', async () => {
    const { lab, watched } = home()
    const gone = lab.containers.at(-1) ?? watched
    const theirs = at(p1, '::77')
    await onHost('ip', '-6', 'neigh', 'add', 'proxy', theirs, 'dev', HOME.uplink)
    await lab.home.docker.api.call('DELETE', `/containers/${gone.name}?force=1`)
    const entries = await waitFor('one entry less', async () => {
      const text = await onHost('ip', '-6', 'neigh', 'show', 'proxy')
      return text.includes(addressBelow(p3, gone)) ? undefined : text
    })
    expect(entries).toContain(addressBelow(p3, watched))
    expect(entries).toContain(theirs)
  })
})
