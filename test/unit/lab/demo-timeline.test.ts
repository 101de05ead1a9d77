import { describe, expect, it } from 'vitest'
import { addLine, describeProgramEvent, type TimelineLine } from '../../lab/demo-timeline.ts'

function line(at: number, what: string, ...targets: string[]): TimelineLine {
  return { actor: 'agent', at, what, targets, isFault: false }
}

describe('describeProgramEvent', () => {
  it.each([
    ['agent', 'step', { step: 'address-add', target: 'web x', outcome: 'failed' }, true],
    ['agent', 'hold', { reason: 'no usable prefix' }, true],
    ['cloud', 'dns', { provider: 'bind', name: 'a.example.org', outcome: 'failed' }, true],
    ['cloud', 'denied', { code: 'POLICY_NAME' }, true],
    ['cloud', 'applied', { index: 4 }, false],
  ] as const)('%s/%s %o is a fault: %s', (program, event, fields, isFault) => {
    expect(describeProgramEvent(program, { event, time: 1, fields })?.isFault).toBe(isFault)
  })

  it('leaves out what is no part of the story', () => {
    const event = { event: 'observed', time: 1, fields: {} }
    expect(describeProgramEvent('agent', event)).toBeUndefined()
  })
})

describe('addLine', () => {
  it('joins equal lines in a row and keeps the time of the first', () => {
    const lines = [line(1, 'adds', 'web'), line(3, 'adds', 'api'), line(4, 'adds', 'web')]
    const joined = lines.reduce<readonly TimelineLine[]>(addLine, [])
    expect(joined).toEqual([line(1, 'adds', 'web', 'api')])
  })

  it('puts a line that arrives late where it belongs', () => {
    const lines = [line(1, 'one'), line(5, 'five'), line(3, 'three')]
    const ordered = lines.reduce<readonly TimelineLine[]>(addLine, [])
    expect(ordered.map(({ at }) => at)).toEqual([1, 3, 5])
  })

  it('does not join lines without objects: saying it twice means it happened twice', () => {
    const twice = [line(1, 'posts'), line(2, 'posts')].reduce<readonly TimelineLine[]>(addLine, [])
    expect(twice).toHaveLength(2)
  })
})
