import { describe, expect, it } from 'vitest'
import type { LastFault } from '../../../../agent/adapters/last-fault.ts'
import { createFaultKeeper, describeIncomplete } from '../../../../agent/commands/fault-keeper.ts'
import type { Step } from '../../../../agent/domain/step.ts'
import { ReprefixError } from '../../../../shared/errors.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'

const STEP: Step = { kind: 'route-add', subnet: parsePrefix('2001:db8::/80'), bridge: 'br-web' }

function keeper(stored: LastFault | null = null) {
  const writes: (LastFault | null)[] = []
  let minute = 0
  const file = {
    read: async () => stored,
    write: async (fault: LastFault) => void writes.push(fault),
    clear: async () => void writes.push(null),
  }
  const { log } = recordedLog()
  const now = () => new Date(Date.UTC(2026, 0, 31, 12, minute++))
  return { writes, made: createFaultKeeper(file, log, now) }
}

describe('why passes fail', () => {
  it('is written once while it stays the same, and cleared by the next good pass', async () => {
    const { writes, made } = keeper()
    const faults = await made
    const fault = new ReprefixError('DOCKER_UNREACHABLE', 'Docker does not answer')
    await faults.failed(fault)
    await faults.failed(fault)
    await faults.failed(new Error('odd'))
    await faults.good()
    await faults.good()
    const since = '2026-01-31T12:00:00.000Z'
    expect(writes).toEqual([
      { since, at: since, code: 'DOCKER_UNREACHABLE', message: 'Docker does not answer' },
      { since, at: '2026-01-31T12:01:00.000Z', code: 'INTERNAL', message: 'odd' },
      null,
    ])
  })

  it('is cleared also when another run of the agent has written it', async () => {
    const { writes, made } = keeper({ since: 's', at: 's', code: 'INTERNAL', message: 'm' })
    await (await made).good()
    expect(writes).toEqual([null])
  })

  it('says what was done and what was not', () => {
    expect(
      describeIncomplete([
        { step: STEP, outcome: 'done', ms: 1 },
        { step: STEP, outcome: 'failed', ms: 1, error: 'no such device' },
        { step: STEP, outcome: 'not-tried' },
        { step: STEP, outcome: 'not-tried' },
      ]),
    ).toBe(
      'route-add 2001:db8::/80 dev br-web failed: no such device' +
        ' (1 steps done, 1 failed, 2 not tried)',
    )
  })

  it('does not fail a pass because it cannot be written', async () => {
    const { log, lines } = recordedLog()
    const file = {
      read: async () => Promise.reject(new Error('damaged')),
      write: async () => Promise.reject(new Error('no space left')),
      clear: async () => Promise.reject(new Error('read-only')),
    }
    const faults = await createFaultKeeper(file, log, () => new Date(0))
    await faults.failed(new Error('odd'))
    await faults.good()
    expect(lines).toMatchObject([{ level: 'warn', message: expect.stringMatching(/no space/) }])
  })
})
