import { describe, expect, it } from 'vitest'
import { desire } from '../../../../agent/domain/desired.ts'
import type { Intent, Observed } from '../../../../agent/domain/model.ts'
import { planSteps } from '../../../../agent/domain/plan.ts'
import { parseSuffix } from '../../../../shared/ipv6.ts'
import { applySteps, INTENT, NOW, network, observed, P1, P2, stateAt } from './host-simulator.ts'

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

  const TWO: Intent = {
    ...INTENT,
    networks: { ...INTENT.networks, iot: parseSuffix('::2:0:0:0/80') },
  }
  const restartsOf = (host: Observed, intent = TWO) =>
    planSteps(desire(host, stateAt(P1), intent, NOW).desired, host).flatMap((step) =>
      step.kind === 'proxy-set' ? [step.restarts] : [],
    )
  const two = () => {
    const host = observed({ networks: [network('web'), network('iot', { bridgeIndex: 8 })] })
    return applySteps(host, planSteps(desire(host, stateAt(P1), TWO, NOW).desired, host))
  }

  it('restarts ndppd once for a network that is made anew', () => {
    const running = two()
    expect(restartsOf(running)).toEqual([])
    const gone = { ...running, networks: [network('web')] }
    expect(restartsOf(gone)).toEqual([false])
    const written = applySteps(gone, planSteps(desire(gone, stateAt(P1), TWO, NOW).desired, gone))
    expect(written.proxy?.configText).not.toContain('br-iot')
    expect(restartsOf(written)).toEqual([])
    const again = {
      ...written,
      networks: [network('web'), network('iot', { bridgeIndex: 9 })],
    }
    expect(restartsOf(again)).toEqual([true])
  })

  it('writes the file for each bridge that goes, and restarts for none of them', () => {
    let host: Observed = two()
    for (const networks of [[network('web')], []]) {
      host = { ...host, networks }
      const steps = planSteps(desire(host, stateAt(P1), TWO, NOW).desired, host)
      expect(steps.filter(({ kind }) => kind === 'proxy-set')).toMatchObject([{ restarts: false }])
      host = applySteps(host, steps)
    }
    expect(host.proxy?.configText).toBe('')
  })

  it('restarts ndppd for a network that is dropped from the settings', () => {
    expect(restartsOf(two(), INTENT)).toEqual([true])
  })

  it('starts no ndppd for nothing', () => {
    const host = { ...two(), networks: [] }
    const proxy = host.proxy && { ...host.proxy, isRunning: false, boundIndexes: {} }
    expect(restartsOf({ ...host, proxy })).toEqual([false])
  })
})
