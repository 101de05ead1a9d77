import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
// biome-ignore lint/style/noRestrictedImports: what the tool prints back is the contract of these modules
import * as golden from '../unit/agent/domain/firewall-combinations.ts'
import { inNamespace, run, tryRun } from './command.ts'
import { startDaemon } from './daemon.ts'
import { waitFor } from './deadline.ts'
import { describeLab, PREFIXES, sharedHome, untilSeen } from './harness.ts'
import { namespacePrefix } from './lab-names.ts'
import { addressBelow } from './renumbering.ts'
import { usable } from './router.ts'
import { createRunDirectory } from './run-directory.ts'
import { removeLab } from './sweep.ts'

type Variant = 'nft' | 'legacy'

/** Network namespaces, so that no group of tests sees what another one makes. */
function sharedNamespaces(names: readonly string[]): (name: string) => string {
  let id: string | undefined
  const nameOf = (name: string): string => `${namespacePrefix(id ?? '')}${name}`
  beforeAll(async () => {
    id = createRunDirectory().id
    for (const name of names) await run(['ip', 'netns', 'add', nameOf(name)])
  })
  afterAll(() => {
    if (id !== undefined) removeLab(id)
  })
  return nameOf
}

describeLab('the firewall on both variants of ip6tables', () => {
  const namespaceOf = sharedNamespaces(['nft', 'legacy', 'mixed-nft', 'mixed-legacy'])

  function commandsOf(variant: Variant, namespace = namespaceOf(variant)) {
    const accepted: boolean[] = []
    const exec: golden.Exec = async ([program, ...args], options = {}) => {
      // What an alternative of Debian does; a program that is named in full stays.
      const real = program.replace(/^ip6tables(?=$|-restore)/, `ip6tables-${variant}`)
      const argv = inNamespace(namespace, [real, ...args])
      if (program === 'ip6tables-restore') {
        accepted.push((await tryRun([...argv, '--test'], options)).code === 0)
      }
      const { code, ...said } = await tryRun(argv, options)
      return { exitCode: code, ...said }
    }
    return { exec, accepted }
  }

  /** Puts a combination in place, and returns what ip6tables prints of it. */
  async function load(variant: Variant, one: golden.Combination, hook: 'FORWARD' | 'DOCKER-USER') {
    const { exec, accepted } = commandsOf(variant)
    const firewall = golden.firewallOn(exec)
    await firewall.load(one, hook)
    expect(accepted, one.name).toEqual([true])
    const state = await firewall.read()
    expect(state.hookedIn, one.name).toBe(hook)
    return state.rules ?? []
  }

  it.each(
    (['nft', 'legacy'] as const).flatMap((variant) =>
      (['FORWARD', 'DOCKER-USER'] as const).map((hook) => [variant, hook] as const),
    ),
  )(
    'accepts every combination of options and prints it back as it was given: %s, %s',
    { timeout: 240_000 },
    async (variant, hook) => {
      if (hook === 'DOCKER-USER') {
        const { exec } = commandsOf(variant)
        await exec(['ip6tables', '-N', 'DOCKER-USER'])
      }
      const printed = new Map<
        golden.Combination['length'],
        Parameters<typeof golden.renderGolden>[0][number][]
      >()
      for (const one of golden.COMBINATIONS) {
        const rules = await load(variant, one, hook)
        printed.set(one.length, [...(printed.get(one.length) ?? []), { name: one.name, rules }])
      }
      for (const [length, sections] of printed) {
        await expect(golden.renderGolden(sections)).toMatchFileSnapshot(golden.goldenPath(length))
      }
    },
  )

  it.each([
    ['nft', 'legacy'],
    ['legacy', 'nft'],
  ] as const)('begins under %s only without rules of %s', async (own, other) => {
    const namespace = namespaceOf(`mixed-${own}`)
    const { exec } = commandsOf(own, namespace)
    const inside = (...argv: string[]) => run(inNamespace(namespace, argv))
    const firewall = golden.firewallOn(exec, () => inside('cat', '/proc/net/ip6_tables_names'))
    const [one] = golden.COMBINATIONS
    if (one === undefined) throw new TypeError('no combination')
    await inside(`ip6tables-${other}`, '-A', 'FORWARD', '-j', 'DROP')
    expect((await firewall.read()).conflict).toContain('-A FORWARD -j DROP')
    await expect(firewall.load(one, 'FORWARD')).rejects.toMatchObject({ code: 'FIREWALL_MIXED' })
    expect((await firewall.read()).rules).toBe(null)
    await inside(`ip6tables-${other}`, '-F')
    expect((await firewall.read()).conflict).toBe(undefined)
    await firewall.load(one, 'FORWARD')
    await inside(`ip6tables-${other}`, '-A', 'FORWARD', '-j', 'DROP')
    await firewall.load(one, 'FORWARD')
  })
})

describeLab('the firewall of a host where others work on it', () => {
  const home = sharedHome(1)
  const onHost = (...argv: string[]) => run(inNamespace(home().lab.namespaces.home, argv))
  const isInPlace = async () => {
    const rules = (await onHost('ip6tables', '-S')).split('\n')
    const first = rules.find((rule) => rule.startsWith('-A FORWARD '))
    const isFull = rules.some((rule) => rule.startsWith('-A REPREFIX '))
    return (isFull && first === '-A FORWARD -j REPREFIX') || undefined
  }

  it.each([
    ['flushes the table', 'ip6tables -F'],
    [
      'takes away our chain',
      'ip6tables -D FORWARD -j REPREFIX; ip6tables -F REPREFIX; ip6tables -X REPREFIX',
    ],
    ['puts a drop before it', 'ip6tables -I FORWARD 1 -j DROP'],
  ])('puts its chain back at once when somebody %s', async (_what, script) => {
    await onHost('sh', '-c', script)
    const doneAt = performance.now()
    await waitFor('the chain in place', isInPlace)
    const ms = Math.round(performance.now() - doneAt)
    process.stderr.write(`firewall: in place again ${ms} ms after\n`)
    // The agent looks by itself every 30 s: this was a hint.
    expect(ms).toBeLessThan(25_000)
  })

  it('does not fight for ever for the first place, and gets it back afterwards', {
    timeout: 240_000,
  }, async () => {
    const { lab, agent, watched } = home()
    const from = agent.events.length
    const rival = '-A FORWARD -p udp -m udp --dport 9 -j DROP'
    const rule = rival.replace('-A FORWARD ', '')
    const script = `while :; do
      ip6tables -w 5 -S FORWARD | sed -n 2p | grep -qF -e '${rival}' && { sleep 0.05; continue; }
      ip6tables -w 5 -D FORWARD ${rule} 2>/dev/null
      ip6tables -w 5 -I FORWARD 1 ${rule}
    done`
    const startedAt = performance.now()
    const fighter = await startDaemon({
      name: 'fighter',
      // Ended by itself should the test be.
      argv: inNamespace(lab.namespaces.home, ['timeout', '200', 'sh', '-c', script]),
      logFile: join(lab.directory.path, 'fighter.log'),
    })
    const problems = () =>
      agent.events.slice(from).filter(({ event, fields }) => {
        return event === 'problem' && fields.code === 'FIREWALL_CONTESTED'
      })
    try {
      await waitFor('the fight told', () => (problems().length > 0 ? true : undefined), {
        timeoutMs: 60_000,
      })
      expect(problems()[0]?.fields.msg).toContain(rival)
      expect((await agent.command(['status'])).stdout).toContain(rival)
      // The rest of the host is not held up by it.
      await lab.router.announce([usable(PREFIXES.p2)])
      await untilSeen(home(), watched.domain, addressBelow(PREFIXES.p2, watched))
    } finally {
      await fighter.stop()
    }
    const seconds = (performance.now() - startedAt) / 1000
    const restored = agent.events.slice(from).filter(({ event, fields }) => {
      return event === 'step' && fields.step === 'firewall-set'
    }).length
    process.stderr.write(
      `firewall: put back ${restored} times in ${seconds.toFixed(1)} s of a fight\n`,
    )
    // Eight at once, then after 1, 2, 4, 8, 16 s and every 30 s.
    expect(restored).toBeLessThanOrEqual(9 + Math.log2(1 + seconds) + seconds / 30)
    await waitFor('the chain in place', isInPlace, { timeoutMs: 60_000 })
    expect(problems()).toHaveLength(1)
  })
})
