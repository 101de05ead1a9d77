import { describe, expect, it } from 'vitest'
import { desire } from '../../../../agent/domain/desired.ts'
import type { Observed } from '../../../../agent/domain/model.ts'
import { planSteps } from '../../../../agent/domain/plan.ts'
import { applySteps, INTENT, NOW, observed, P1, P2, stateAt } from './host-simulator.ts'

import { nginx } from './overlay-plan.ts'

describe('planSteps on the other planes', () => {
  const ready = () => {
    const host = observed({ containers: [nginx()] })
    return applySteps(host, planSteps(desire(host, stateAt(P1), INTENT, NOW).desired, host))
  }
  const kinds = (host: Observed) =>
    planSteps(desire(host, stateAt(P1), INTENT, NOW).desired, host).map(({ kind }) => kind)

  it('begins with firewall and proxy', () => {
    const host = observed({ containers: [nginx()] })
    expect(kinds(host)).toEqual(['firewall-set', 'proxy-set', 'address-add', 'route-add'])
    expect(kinds(ready())).toEqual([])
  })

  it('does nothing to either when the prefix changes', () => {
    const host = ready()
    const steps = planSteps(
      desire(host, stateAt(P2, [[P1, 'flash', 99]]), INTENT, NOW).desired,
      host,
    )
    expect(steps.map(({ kind }) => kind)).toEqual(['address-add', 'route-add', 'address-deprecate'])
  })

  it.each([
    ['was flushed', { rules: [], hookedIn: null, hook: 'FORWARD' as const }],
    ['is not jumped to', { hookedIn: null }],
    ['belongs into Docker’s chain now', { hook: 'DOCKER-USER' as const }],
  ])('sets the firewall when our chain %s', (_, change) => {
    const host = ready()
    const firewall = host.firewall && { ...host.firewall, ...change }
    expect(kinds({ ...host, firewall })).toEqual(['firewall-set'])
  })

  it.each([
    ['is not running', { isRunning: false }],
    ['has a foreign configuration', { configText: 'route-ttl 5\n' }],
    ['is bound to a bridge that is no more', { boundIndexes: { 'br-web': 6 } }],
    ['was started by someone else', { boundIndexes: {} }],
  ])('sets the proxy when ndppd %s', (_, change) => {
    const host = ready()
    const proxy = host.proxy && { ...host.proxy, ...change }
    expect(kinds({ ...host, proxy })).toEqual(['proxy-set'])
  })
})
