import { afterAll, beforeAll, expect, it } from 'vitest'
// biome-ignore lint/style/noRestrictedImports: what the tool prints back is the contract of these modules
import * as golden from '../unit/agent/domain/firewall-combinations.ts'
import { inNamespace, run, tryRun } from './command.ts'
import { describeLab } from './harness.ts'
import { namespacePrefix } from './lab-names.ts'
import { createRunDirectory } from './run-directory.ts'
import { removeLab } from './sweep.ts'

type Variant = 'nft' | 'legacy'

/** A network namespace for each variant, so that neither sees what the other makes. */
function sharedNamespaces(): (variant: Variant) => string {
  let id: string | undefined
  const nameOf = (variant: Variant): string => `${namespacePrefix(id ?? '')}${variant}`
  beforeAll(async () => {
    id = createRunDirectory().id
    for (const variant of ['nft', 'legacy'] as const) {
      await run(['ip', 'netns', 'add', nameOf(variant)])
    }
  })
  afterAll(() => {
    if (id !== undefined) removeLab(id)
  })
  return nameOf
}

describeLab('the firewall on both variants of ip6tables', () => {
  const namespaceOf = sharedNamespaces()

  function commandsOf(variant: Variant) {
    const accepted: boolean[] = []
    const exec: golden.Exec = async ([program, ...args], options = {}) => {
      const real = program.replace(/^ip6tables/, `ip6tables-${variant}`)
      const argv = inNamespace(namespaceOf(variant), [real, ...args])
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
})
