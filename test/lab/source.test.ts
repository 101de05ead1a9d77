import { expect, it } from 'vitest'
import { describeLab, PREFIXES, sharedHome, untilSeen } from './harness.ts'
import { addressBelow } from './renumbering.ts'
import { deprecated, usable } from './router.ts'

const { p2, p3 } = PREFIXES

// TCP proves the way back: who cannot be reached inside the prefix cannot report it.
describeLab('reports that must come from inside the prefix', () => {
  const home = sharedHome(2, () => ({ requiresSource: true }))

  it.each([
    ['flash', p2, []],
    ['planned', p3, [deprecated(p2)]],
  ] as const)('are accepted from the new one at once: %s', async (cause, to, old) => {
    const { lab, agent, cloud, watched } = home()
    const seen = agent.events.length
    const logged = cloud.events.length
    await lab.router.announce([usable(to), ...old])
    await untilSeen(home(), watched.domain, addressBelow(to, watched))
    await agent.event(`receipt of the ${cause} change`, ({ event }) => event === 'receipt', seen)
    const said = cloud.events.slice(logged).map(({ event }) => event)
    expect(said).toContain('applied')
    expect(said).not.toContain('denied')
    expect((await cloud.verifyAudit()).ok).toBe(true)
  })
})
