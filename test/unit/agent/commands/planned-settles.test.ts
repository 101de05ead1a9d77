import { describe, expect, it } from 'vitest'
import { planBridgeSettle, planNetworkSettles } from '../../../../agent/commands/planned-settles.ts'
import { parseSettlePolicy } from '../../../../agent/domain/settle-policy.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'

const FROM = parsePrefix('2001:db8:1:1::/80')
const TO = parsePrefix('2001:db8:2:2::/80')
const BRIDGE = {
  to: TO,
  current: parsePrefix('2001:db8:2:2::/64'),
  within: [parsePrefix('2000::/3')],
  stale: FROM,
  isInUse: true,
}
const daemonJson = (subnet: string) => JSON.stringify({ 'fixed-cidr-v6': subnet })

function planned(
  policy: string,
  { text = daemonJson(FROM), isEffective = true }: { text?: string | null; isEffective?: boolean },
) {
  const settler = {
    path: '/etc/docker/daemon.json',
    readText: async () => text,
    isEffective: async () => isEffective,
  }
  return planBridgeSettle(BRIDGE, settler, parseSettlePolicy(policy))
}

describe('the settle of the default bridge in a plan', () => {
  const row = { network: 'bridge', from: FROM, to: TO }

  it.each([
    [
      'now/restart',
      { policy: 'now' },
      { isPermitted: true, when: 'at once, with a restart of Docker' },
    ],
    [
      'window/restart',
      { policy: 'window 03:00-05:00' },
      { isPermitted: true, when: 'between 03:00 and 05:00, with a restart of Docker' },
    ],
    ['never', { policy: 'never' }, { isPermitted: false, when: 'never (docker.settle)' }],
    [
      'live-restore/not-yet-edited',
      { policy: 'now', isEffective: false },
      {
        isPermitted: true,
        when: 'at once, in daemon.json; taken by Docker when it starts while no container runs (live-restore)',
      },
    ],
    [
      'live-restore/edited',
      { policy: 'now', isEffective: false, text: daemonJson(TO) },
      {
        isPermitted: false,
        when: 'taken by Docker when it starts while no container runs (live-restore)',
      },
    ],
    [
      'edited/restart-outstanding',
      { policy: 'now', text: daemonJson(TO) },
      { isPermitted: true, when: 'at once, with a restart of Docker' },
    ],
  ])('%s', async (_, { policy, ...more }, expected) => {
    const { settles, problems } = await planned(policy, more)
    expect(settles).toEqual([{ ...row, policy: policy.split(' ')[0], ...expected }])
    expect(problems).toEqual([])
  })

  it('is none without daemon.json, without the member and for a ULA', async () => {
    for (const text of [null, '{}', daemonJson('fd00:d::/80')]) {
      expect((await planned('now', { text })).settles).toEqual([])
    }
  })

  it('is a problem where the file cannot be edited, unless nobody wants it edited', async () => {
    const text = daemonJson('nonsense')
    expect((await planned('now', { text })).problems).toMatchObject([{ code: 'SETTLE_REFUSED' }])
    expect((await planned('never', { text })).problems).toEqual([])
  })
})

it('a network is made anew by the agent unless the policy is never', () => {
  const network = {
    ...{ id: 'n', name: 'web', driver: 'bridge', bridge: 'br-web', bridgeIndex: 3 },
    ...{ isInternal: false, subnets: [FROM], labels: {} },
  }
  const stale = [{ network, from: FROM, to: TO, isInUse: true }]
  expect(planNetworkSettles(stale, { kind: 'now' })).toEqual([
    { network: 'web', from: FROM, to: TO, policy: 'now', when: 'at once', isPermitted: true },
  ])
  expect(planNetworkSettles(stale, { kind: 'never' })).toMatchObject([{ isPermitted: false }])
})
