import { afterAll, beforeAll, expect, it } from 'vitest'
// biome-ignore lint/style/noRestrictedImports: what the tool prints back is the contract of these modules
import * as golden from '../unit/agent/domain/firewall-combinations.ts'
import { inNamespace, run, tryRun } from './command.ts'
import { describeLab } from './harness.ts'
import { namespacePrefix } from './lab-names.ts'
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
