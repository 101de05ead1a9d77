import { describe, expect, it } from 'vitest'
import { renderDoctor } from '../../../../agent/commands/doctor.ts'
import { type Finding, fail, ok, warn } from '../../../../agent/domain/finding.ts'

const render = (findings: readonly Finding[]) =>
  renderDoctor({
    kind: 'doctor',
    ok: findings.every(({ level }) => level !== 'fail'),
    findings,
  })

describe('the findings for people', () => {
  it('stand in columns, each remedy below its finding', () => {
    expect(
      render([
        ok('root', 'running as root'),
        fail('forwarding', 'off', 'sysctl'),
        warn('clock', '40 s behind the cloud’s', 'set-ntp'),
      ]),
    ).toEqual([
      'ok    root        running as root',
      'fail  forwarding  off',
      '                  → sysctl',
      'warn  clock       40 s behind the cloud’s',
      '                  → set-ntp',
      '1 good, 1 to look at, 1 failed',
    ])
  })

  it('end with one word when all is well', () => {
    expect(render([ok('root', 'running as root')])).toEqual([
      'ok    root  running as root',
      'all 1 checks are good',
    ])
  })
})
